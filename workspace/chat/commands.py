"""What a client may send: a frame becomes a verb with its arguments."""

from workspace.chat.names import is_name


class WrongCommand(ValueError):
    """A frame that is no command with its arguments; the text says what is."""


def parse(text):
    """Return (verb, arguments) of a frame; ("say", (text,)) for all but commands.

    Raise WrongCommand for what starts with a slash and is no command with its
    arguments: it may be private, and must go to nobody.
    """
    if not text.startswith("/"):
        return "say", (text,)
    word, _space, rest = text[1:].partition(" ")
    read = READERS.get(word)
    if read is None:
        raise WrongCommand("no such command")
    return word, read(rest)


def nothing(rest):
    if rest.strip():
        raise WrongCommand("it takes no argument")
    return ()


def a_group(rest):
    if not is_name(rest):
        raise WrongCommand("name a group in 1 to 64 characters")
    return (rest,)


def a_text(rest):
    if not rest:
        raise WrongCommand("say something after it")
    return (rest,)


def a_client_and_a_text(rest):
    client, _space, text = rest.partition(" ")
    if not client or not text:
        raise WrongCommand("name a client, then say something")
    return client, text


READERS = {
    "send_to": a_client_and_a_text,
    "group": a_text,
    "join": a_group,
    "leave": a_group,
    "leave_all": nothing,
    "my_groups": nothing,
    "groups": nothing,
    "group_members": a_group,
}
