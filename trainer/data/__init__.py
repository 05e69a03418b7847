"""Songs in, decoded and split; what is wrong with them."""
