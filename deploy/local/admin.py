"""`make admin`: runs the operator's commands on the local stack."""

import sys

from deploy.local.stack_env import stack_env
from services.gateway.admin.commands import main
from services.gateway.admin.settings import AdminSettings
from shared.settings import MongoSettings, StoreSettings

if __name__ == "__main__":
    env = stack_env()
    main(
        sys.argv[1:],
        AdminSettings(
            MongoSettings(mongodb_url=env["MONGODB_URL"]), StoreSettings(object_store_url=env["OBJECT_STORE_URL"])
        ),
    )
