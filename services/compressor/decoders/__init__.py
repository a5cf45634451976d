"""From bytes to a picture: what a file is, its pixels, and what must travel with them."""
