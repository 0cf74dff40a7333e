# SPDX-License-Identifier: LGPL-2.1-or-later
"""YAML by another reader than the project's, as editors use it: numbers and truth are what they seem,
and all else, dates too, is text.  Needs python3-yaml, and what uses it fails without."""

import importlib
import os
import sys

DEBIAN = "/usr/bin/python3"


def package(name):
    """A module of a Debian package.  Where another python3 that lacks it is the first in PATH, the whole
    program goes on in that of Debian; so call it before anything else is begun."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("XM_DEBIANS_PYTHON") or not os.access(DEBIAN, os.X_OK):
            raise
        os.environ["XM_DEBIANS_PYTHON"] = "1"
        os.execv(DEBIAN, [DEBIAN] + sys.argv)


yaml = package("yaml")


class Loader(yaml.SafeLoader):
    """Knows fewer sorts of values."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers
            if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def load(text):
    return yaml.load(text, Loader)
