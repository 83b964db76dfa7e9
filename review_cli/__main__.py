"""`python -m review_cli`, for where the script is not on the path."""

from review_cli.main import main

main()
