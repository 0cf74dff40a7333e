// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Words for a shell.  Must never print what a shell reads as anything but the one word, nor a character
 * that a terminal acts on.
 */

#include <string.h>

#include "policy/shell_word.h"

static bool is_plain(const char *word)
{
	return *word && *word != '-' &&
	       !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "_./:+,@%=-")];
}

static bool is_printable(const char *word)
{
	for (; *word; word++)
		if (*word < ' ' || *word > '~')
			return false;
	return true;
}

/* What a terminal might act on, and what is no text: as bash, zsh and ksh take it. */
static void put_escaped(struct text *t, const char *word)
{
	text_puts(t, "$'");
	for (; *word; word++)
		if (*word < ' ' || *word > '~')
			text_printf(t, "\\%03o", (unsigned char)*word);
		else
			text_printf(t, "%s%c", *word == '\'' || *word == '\\' ? "\\" : "", *word);
	text_char(t, '\'');
}

void shell_word(struct text *t, const char *word)
{
	if (is_plain(word)) {
		text_puts(t, word);
		return;
	}
	if (!is_printable(word)) {
		put_escaped(t, word);
		return;
	}
	text_char(t, '\'');
	for (; *word; word++)
		if (*word == '\'')
			text_puts(t, "'\\''");
		else
			text_char(t, *word);
	text_char(t, '\'');
}
