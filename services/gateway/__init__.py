"""The gateway: takes catalogues in, hands their images to the workers, answers for their status, serves results."""
