"""Ids that begin with a request's id and a colon: all of a request's documents are one range of `_id`."""


def ids_of(request_id: str) -> dict[str, str]:
    """The condition on `_id` that holds for the documents of this request alone (";" follows ":")."""
    return {"$gt": f"{request_id}:", "$lt": f"{request_id};"}
