"""`python -m services.gateway.admin`; containers have it as `imagemill-admin`."""

from services.gateway.admin.commands import main

if __name__ == "__main__":
    main()
