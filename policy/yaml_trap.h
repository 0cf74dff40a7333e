/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_YAML_TRAP_H
#define XM_POLICY_YAML_TRAP_H

#include <stdbool.h>
#include <stddef.h>

/* Why a plain scalar must not stand there, or NULL. */
const char *yaml_trap(const char *text);
bool yaml_is_sexagesimal(const char *text);

/* Why the character at s must not be in a file, or NULL; `left` bytes are there. */
const char *yaml_bad_character(const unsigned char *s, size_t left);

#endif
