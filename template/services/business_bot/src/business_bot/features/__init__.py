"""What levels and modules add to the bot, and what you add; found by file.

A module here has some of these, and a `PHASE` (`chassis.phases`) if it has middleware:

- `prepare()`: gets the process ready, before anything else
- `people(settings)`: returns who may use the bot, in addition to `BOT_USERS`
- `middleware(settings)`: returns what happens around each action
- `update_middleware(storage)`: returns a list of what happens around each update, while its
  conversation is locked
- `call_middleware()`: returns what happens around each call of Telegram
- `make_storage()`: returns where conversations are, instead of in memory
- `receive(stop, bot, dispatcher)`: takes what people say, instead of asking Telegram for it
- `background(stop, bot, people)`: runs next to the bot until `stop` is set
"""
