"""What an upload may ask for: each field of the options' models in words and as JSON schema. Pure."""

from typing import Any

from services.gateway.upload.catalogue_options import CatalogueOptions
from shared.contracts.messages import CompressOptions

MEANINGS = {
    "percent": "In mode size, each result has at most this share of its original's bytes; in mode quality, this is the"
    " encoder's quality; in mode dimensions, width and height are this share of the original's.",
    "mode": "What percent is of: the file's size, the encoder's quality, or width and height.",
    "format": "Of the results: keep is each original's own, auto the smallest of those that browsers show and that keep"
    " alpha and animation.",
    "max_width": "Pixels; a wider picture is scaled down to fit, none is enlarged.",
    "max_height": "Pixels; a higher picture is scaled down to fit, none is enlarged.",
    "min_quality": "In mode size, the encoder's quality goes no lower.",
    "allow_resize": "In mode size: whether a picture that does not fit at min_quality is scaled down until it does, or"
    " stays above the target.",
    "metadata": "What a result keeps of it: strip is the colour profile alone, copyright also author and copyright"
    " notice, keep EXIF and XMP, and author and copyright notice also where they stand in IPTC or in a PNG's text. The"
    " orientation is applied in any case.",
    "profile": "Whose columns the catalogue has: generic is serial number, product name and input image URLs, numbered"
    " is image_1, image_2 and so on; auto finds it out from the header.",
    "on_invalid": "A URL that cannot be used fails its own image (skip), or refuses the whole catalogue (reject).",
    "dry_run": "Say what was found and would be done, and do nothing: as POST /validate.",
    "probe": "Look at so many images of each host, and say line by line what was seen, and in the last line what to"
    " expect of all.",
}

_KEYWORDS = ("type", "enum", "minimum", "maximum")


def _schema(field: dict[str, Any]) -> dict[str, Any]:
    """Without what only our own messages may say: that there is no value."""
    [usable] = [part for part in field.get("anyOf", [field]) if part["type"] != "null"]
    return {keyword: usable[keyword] for keyword in _KEYWORDS if keyword in usable}


SCHEMAS = {
    name: _schema(field) | {"description": MEANINGS[name]}
    for model in (CompressOptions, CatalogueOptions)
    for name, field in model.model_json_schema()["properties"].items()
}


def in_words(name: str) -> str:
    """What the option may be, so that "<name> is <this>" is a sentence."""
    schema = SCHEMAS[name]
    match schema["type"]:
        case "integer":
            return f"a whole number from {schema['minimum']} to {schema['maximum']}"
        case "boolean":
            return "true or false"
        case _:
            return listed(schema["enum"], "or")


def listed(words: list[str], conjunction: str) -> str:
    """As in "one, two or three"."""
    return f" {conjunction} ".join([", ".join(words[:-1]), words[-1]])
