/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_GRAPH_H
#define XM_POLICY_GRAPH_H

/*
 * A policy as a drawing for Graphviz: principals, the roles that are granted to them, what roles include,
 * and the operations and classes that their rules name.
 */

#include <stdio.h>

struct compilation;

/* `c` is good, see `parsed` of struct policy_options. */
void policy_graph(FILE *out, const struct compilation *c);

#endif
