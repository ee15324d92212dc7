// Shows the OpenAPI description with Swagger UI on the page /api/docs.
window.SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  presets: [window.SwaggerUIBundle.presets.apis],
});
