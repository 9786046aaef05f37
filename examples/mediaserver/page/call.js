// Codes with which the API answers, but for 0.
export const failed = -1, refused = -100, gone = -500;

// call makes a call of the API and returns its answer. It throws when there is none.
export async function call(name, values, headers) {
  const body = new URLSearchParams(values);
  const reply = await fetch("index/api/" + name, { method: "POST", cache: "no-store", headers, body });
  return reply.json();
}
