/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_COMPILER_CONFIG_H
#define XMBROKER_COMPILER_CONFIG_H

/*
 * The broker's configuration file, xmbroker.yaml: read and validated here, in the process that may
 * see YAML, and handed to the others as plain lines.
 */

#include <stdio.h>

#include "libxm/core/diag.h"

/*
 * Writes one "key=value" line for each setting of the file, in the order of the file; a list gives one
 * line an element.  Nothing is written unless all of it is good.  Returns 0; -EINVAL with errors in
 * `diag`; or another -errno when the file cannot be read.
 */
int compiler_config_print(const char *path, struct diag *diag, FILE *out);

#endif
