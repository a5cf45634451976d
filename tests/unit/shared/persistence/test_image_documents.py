"""An image's document contains all of its fields."""

from shared.contracts.states import ImageState
from shared.persistence.image_documents import to_document
from tests.support.builders import NOW, a_result, an_image


def test_a_document_contains_all_figures_of_the_result() -> None:
    image = an_image(state=ImageState.COMPRESSED, result=a_result(bytes_in=1000, bytes_out=333), ended_at=NOW)

    document = to_document(image, NOW)

    assert document["result"]["saved_percent"] == 66.7
    assert (document["result"]["original_width"], document["result"]["ssim"]) == (1600, 0.9731)
