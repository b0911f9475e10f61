# Read by the `flask` command when it runs in this folder.
FLASK_APP=gateway.factory:create_commands_app
