"""`make dead-letters`: runs the operator's command on the local stack."""

from deploy.local.stack_env import stack_env
from services.aggregator.dead_letters import main
from shared.settings import RabbitSettings

if __name__ == "__main__":
    main(settings=RabbitSettings(rabbitmq_url=stack_env()["RABBITMQ_URL"]))
