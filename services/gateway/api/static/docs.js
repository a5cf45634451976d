"use strict";

// Swagger UI fills each optional form field with its default, or with a sample such as the smallest number allowed or
// https://example.com/, and sends them all, empty ones too. Here optional fields start empty and are sent only when they
// are filled in: a form with only a file chosen sends only the file, as curl does. An empty value means the default, so
// the form does not offer to send one.
const EmptyForm = {
  components: { ParameterIncludeEmpty: () => null },
  afterLoad() {
    const sampleOf = this.fn.getSampleSchema;
    this.fn.getSampleSchema = (schema, mediaType, config, ...rest) =>
      config?.includeWriteOnly && mediaType === false ? "" : sampleOf(schema, mediaType, config, ...rest);
  },
};

async function show() {
  const document = await (await fetch("openapi.json")).json();
  // Requests go to where this page comes from: to any other origin the browser would refuse them.
  document.servers = [{ url: new URL(".", window.location.href).href.replace(/\/$/, "") }];
  // Webhooks have a section of their own; their tag would be an empty one.
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  document.tags = document.tags.filter((tag) => operations.some((operation) => operation.tags.includes(tag.name)));
  SwaggerUIBundle({
    spec: document,
    dom_id: "#swagger-ui",
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [EmptyForm],
    tryItOutEnabled: true,
    validatorUrl: null,
  });
}

show();
