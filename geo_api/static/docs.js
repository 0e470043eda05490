// A request from this page carries the CSRF token of the login, so that "Try it out" works.
let csrf = null;
async function token() {
  if (csrf === null) {
    const me = await (await fetch("/v1/me")).json();
    csrf = me.csrf_token || "";
  }
  return csrf;
}
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  validatorUrl: null,
  requestInterceptor: async (request) => {
    if (!["GET", "HEAD"].includes(request.method || "GET")) request.headers["X-CSRF-Token"] = await token();
    return request;
  },
});
