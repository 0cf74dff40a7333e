/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_SHELL_WORD_H
#define XM_POLICY_SHELL_WORD_H

/* Words of command lines that people copy from what is printed. */

#include "libxm/core/text.h"

/* As a shell reads it back as one word; in printable ASCII, whatever is in it. */
void shell_word(struct text *t, const char *word);

#endif
