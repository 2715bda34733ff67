"""GANs for images."""
