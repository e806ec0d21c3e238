// Shows /openapi.json with Swagger UI, which never asks another host.

// Who logs in on the page is logged in for its other operations, as with "Authorize".
function logInWithResponse(response) {
  const token = response.ok && response.url.endsWith("/auth/login") && response.obj?.access_token;
  if (token) {
    const scheme = ui.specSelectors.securityDefinitions().get("bearer");
    ui.authActions.authorize({ bearer: { name: "bearer", schema: scheme, value: token } });
  }
  return response;
}

const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  showCommonExtensions: true,
  showExtensions: true,
  validatorUrl: null, // the default is a service on the internet
  responseInterceptor: logInWithResponse,
});
