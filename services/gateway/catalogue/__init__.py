"""Reading product catalogues: from an upload's bytes to its products, or to all that is wrong with it. Pure."""
