#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a program, valid as C and as C++, that takes the address of everything that the public
headers bind to the library in one profile (XM_BIND), checks that none is NULL, and prints how many
there were.  With --list, writes the names of the symbols instead, one a line.

usage: make-symbols.py [--list] include-folder profile [compiler [flag...]]

profile is 24, 26, 30 or 40; compiler and flags preprocess the headers as the program will see them.
"""
import os
import re
import subprocess
import sys

# An identifier, perhaps parameters, and the symbol that it is bound to.
BOUND = re.compile(r'\b([A-Za-z_]\w*)\s*(\((?:[^()]|\([^()]*\))*\))?\s*'
                   r'__asm__\s*\(\s*((?:"\w+"\s*)+)\)')
PRTOS = '40'


def headers(include, profile):
    """Every public header of the profile; those that choose one come first."""
    found = []
    for folder, _, names in os.walk(include):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), include)
            if name.endswith('.h') and not path.startswith(os.path.join('xm', 'uapi')):
                if profile == PRTOS or not path.startswith('prtos'):
                    found.append(path)
    return sorted(found)


def bound(include, profile, compiler):
    """(identifier, whether a function, symbol) of everything bound."""
    text = ''.join('#include <%s>\n' % name for name in headers(include, profile))
    result = subprocess.run(compiler + ['-E', '-P', '-DXM_PROFILE=' + profile, '-I' + include, '-'],
                            input=text, stdout=subprocess.PIPE, text=True, check=True)
    found = {}
    for match in BOUND.finditer(result.stdout):
        symbol = ''.join(re.findall(r'"(\w+)"', match.group(3)))
        found[match.group(1)] = (match.group(2) is not None, symbol)
    if len(found) != len({m.start() for m in re.finditer(r'__asm__', result.stdout)}):
        sys.exit('make-symbols: a declaration of the headers is not understood, or repeated')
    return [(name,) + found[name] for name in sorted(found)]


def program(include, profile, things):
    """Functions and data lie in tables of their own: their addresses do not convert."""
    lines = ['#include <%s>' % name for name in headers(include, profile)]
    lines += ['#include <stdio.h>', '', 'typedef void (*function)(void);', '',
              'static const volatile function functions[] = {']
    lines += ['\t(function)%s,' % name for name, is_function, _ in things if is_function]
    lines += ['};', 'static const volatile void *const volatile data[] = {']
    lines += ['\t&%s,' % name for name, is_function, _ in things if not is_function]
    lines += ['};', '''
int main(void)
{
	unsigned int i, missing = 0;
	const unsigned int n_functions = sizeof(functions) / sizeof(functions[0]);
	const unsigned int n_data = sizeof(data) / sizeof(data[0]);

	for (i = 0; i < n_functions; i++)
		missing += !functions[i];
	for (i = 0; i < n_data; i++)
		missing += !data[i];
	printf("%u names, %u missing\\n", n_functions + n_data, missing);
	return missing != 0;
}''']
    return '\n'.join(lines) + '\n'


def main(arguments):
    listing = arguments[:1] == ['--list']
    if listing:
        arguments = arguments[1:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    include, profile = arguments[:2]
    things = bound(include, profile, arguments[2:] or ['gcc', '-x', 'c', '-std=gnu11'])
    if listing:
        print('\n'.join(sorted({symbol for _, _, symbol in things})))
    else:
        sys.stdout.write(program(include, profile, things))


if __name__ == '__main__':
    main(sys.argv[1:])
