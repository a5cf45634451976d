"""How a picture is made to fit a number of bytes."""
