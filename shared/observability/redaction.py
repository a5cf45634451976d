"""Removes secrets from text before it is logged, recorded or shown. Pure.

Every pattern takes linear time: a name is matched only from its start, and what is matched is not searched again.
"""

import re
from urllib.parse import urlsplit

_CREDENTIALS = re.compile(r"(?<=://)[^\s/\"'<>]*@")

# Names of secrets: the first end any name; the second are whole words of one, as in user_pass and not in compass.
_LONG = (
    r"tokens?|secrets?|signatures?|passw(?:or)?ds?|passphrase|pwd|credentials?|authorization|jwt|cookies?"
    r"|sess(?:ion)?s?(?:[_-]?id)?|(?:api|access|secret|private|signing)[_-]?keys?"
)
_SHORT = r"(?<![a-z0-9])(?:key|sig|pw|pass|auth|sid)"
_PARAMETER_NAME = rf"[\w.-]*(?:{_LONG}|{_SHORT})"
_LONE_KEY = r"(?<![\w.-])key(?!\\*[\"']|\s*=)"  # "the key: value" is prose
_FIELD_NAME = rf"(?!{_LONE_KEY})(?<![\w.-]){_PARAMETER_NAME}"
_HEADER_NAME = r"(?<![\w.-])[\w.-]*(?:authorization|cookie|signature)"

_SECRET_PARAMETER = re.compile(rf"(?i)([?&;]{_PARAMETER_NAME}=)[^\s&;#\"'<>\\]+")
_QUOTE = r"(?<!\\)\\*[\"']"  # in JSON within JSON a quote is escaped, perhaps several times
_SECRET_HEADER = re.compile(  # its value ends with the string that begins with it, or with the line
    rf"(?i)(?P<head>(?P<quote>{_QUOTE})?{_HEADER_NAME}\s*:[^\S\r\n]*)"
    r"(?:(?!\\[rn])(?(quote)(?!(?<!\\)(?P=quote)))[^\r\n])+"
)
_SECRET_FIELD = re.compile(
    rf"(?i)(?P<head>{_FIELD_NAME}(?P<name_quote>\\*[\"'])?\s*[=:]\s*)"
    rf"(?:(?P<quote>{_QUOTE})(?:(?!(?<!\\)(?P=quote))[\s\S])*"
    r"|(?(name_quote)(?P<value>(?!(?:null|none|true|false)\b)[^\s\"'\\,{}\[\]]+"
    r"|\[[^\[\]]*(?:\]|[\s\S]*)|\{[^{}]*(?:\}|[\s\S]*))"
    r"|(?:(?:bearer|basic)\s+)?[^\s\"'&;,<>\\]+(?:,[^\s\"'&;,<>\\]+)*))"
)
_SECRET_ELEMENT = re.compile(rf"(?i)(<{_PARAMETER_NAME}>)[^<]+")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"whs(?:ec|k)_[\w+/=-]+"  # Standard Webhooks
    r"|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*){0,3}"  # JWT
    r"|[spr]k_(?:live|test)_\w+|sk-[\w-]{16,}|gh[a-z]_\w{16,}|github_pat_\w+|glpat-[\w-]+|xox[a-z]-[\w-]+"
    r"|A[KS]IA[A-Z0-9]{12,}|AIza[\w-]{20,}|npm_\w{20,}|SG\.[\w-]{16,}\.[\w-]+)"
)
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]*")


def redact(text: str) -> str:
    """The text with "***" in place of user and password in URLs, and of query parameters with secret names."""
    if "://" not in text:
        return text
    return _SECRET_PARAMETER.sub(r"\1***", _CREDENTIALS.sub("***@", text))


def redact_text(text: str) -> str:
    """As `redact`, and also without secrets in the usual places of a document.

    These are the lines of headers with credentials, fields and parameters with secret names, private keys, and tokens
    of common shapes. A secret elsewhere stays.
    """
    text = _PRIVATE_KEY.sub(r"\1***", _TOKEN.sub("***", redact(text)))
    text = _SECRET_PARAMETER.sub(r"\1***", _SECRET_HEADER.sub(r"\g<head>***", text))
    text = _SECRET_ELEMENT.sub(r"\1***", _SECRET_FIELD.sub(_without_value, text))
    return _SCHEME.sub(r"\1 ***", text)


def _without_value(field: re.Match[str]) -> str:
    """The quotes of the value stay, or it gets those of its name, so that JSON stays JSON."""
    if field["quote"]:
        return f"{field['head']}{field['quote']}***"
    quote = field["name_quote"] or ""
    return f"{field['head']}{quote}***{quote}"


def redact_url(url: str) -> str:
    """The URL without user, password and fragment, and with "***" in place of every value in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    query = re.sub(r"(?:([^=&;]*=)[^&;]*|[^=&;]+)", lambda match: f"{match[1] or ''}***", parts.query)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment="").geturl()
