"""docker-compose.yml, the images, and what runs in them."""
