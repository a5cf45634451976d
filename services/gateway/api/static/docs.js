"use strict";

// Swagger UI fills each optional form field with its default, or with a sample such as the smallest number allowed or
// https://example.com/, and sends them all, empty ones too. Here optional fields start empty, and "Send empty value"
// starts unchecked: a form with only a file chosen sends only the file, as curl does.
const EmptyForm = ({ React }) => ({
  wrapComponents: {
    ParameterIncludeEmpty: (Original) => (props) =>
      React.createElement(Original, {
        ...props,
        isIncludedOptions: { ...props.isIncludedOptions, defaultValue: false },
      }),
  },
  afterLoad() {
    const sampleOf = this.fn.getSampleSchema;
    this.fn.getSampleSchema = (schema, mediaType, config, ...rest) =>
      config?.includeWriteOnly && mediaType === false ? "" : sampleOf(schema, mediaType, config, ...rest);
  },
});

async function show() {
  const document = await (await fetch("openapi.json")).json();
  // Requests go to where this page comes from: to any other origin the browser would refuse them.
  document.servers = [{ url: new URL(".", window.location.href).href.replace(/\/$/, "") }];
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
