"""How Imagemill is put on a machine: containers, Kubernetes, or (deploy.local) neither."""
