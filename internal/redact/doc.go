// Package redact takes out of URLs what may be secret, so that they can stand in logs and lists.
package redact
