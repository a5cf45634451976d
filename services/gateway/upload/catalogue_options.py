"""What a client may say of its catalogue, beside what it asks of the compressor."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.catalogue.format import Profile

ProfileChoice = Literal["auto", "generic", "shopify", "woocommerce", "magento", "google", "numbered"]
OnInvalid = Literal["skip", "reject"]


class CatalogueOptions(BaseModel):
    """How a catalogue is to be taken.

    profile: whose columns it has; "auto" finds that out from its header.
    on_invalid: a URL that cannot be used fails its own image ("skip"), or refuses the whole file ("reject").
    dry_run: say what would be done, and do nothing.
    probe: look at so many images of each host, for sizes, types and dead links.
    """

    model_config = ConfigDict(frozen=True)

    profile: ProfileChoice = "auto"
    on_invalid: OnInvalid = "skip"
    dry_run: bool = False
    probe: int | None = Field(default=None, ge=1, le=20)

    @property
    def named_profile(self) -> Profile | None:
        """The profile that was asked for; None if it is to be found out."""
        return None if self.profile == "auto" else Profile(self.profile)
