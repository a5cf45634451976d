"""The operator's commands `imagemill-admin`: they read the database and the object store."""
