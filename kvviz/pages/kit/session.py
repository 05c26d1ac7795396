"""What every visitor's state has, on any page."""

import param


class PageSession(param.Parameterized):
    """One visitor's state on a page."""

    problem: str = param.String("", doc="what is wrong with the settings, in one sentence")
    theme: str = param.Selector(default="dark", objects=["dark", "light"])
