// Shows the calls that the server describes, and lets the visitor try them.
"use strict";
SwaggerUIBundle({
  url: "../../index/api/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  validatorUrl: null, // nothing leaves for another server
});
