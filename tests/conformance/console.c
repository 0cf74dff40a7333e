// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 5.2: the console. */

#include "tests/conformance/conformance.h"

#define LIMIT 128 /* bytes of one write of 3.x and PRTOS */

static char text[] =
	"conformance: 0123456789abcdefghijklmnopqrstuvwxyz 0123456789abcdefghijklmnopqr"
	"stuvwxyz 0123456789abcdefghijklmnopqrstuvwxyz 012345678\n";

static void write_text(void)
{
	NEEDS(machine.console, "a console of the own partition");
	IS(1, XM_write_console(text + sizeof(text) - 2, 1));
	IS(13, XM_write_console(text, 13));
	IS(LIMIT, XM_write_console(text, LIMIT));
	/* A NUL is a byte like any other. */
	IS(3, XM_write_console((char[]){ 'a', 0, '\n' }, 3));
}

static void write_too_much(void)
{
	NEEDS(machine.console, "a console of the own partition");
#if XM_FAMILY == 2
	IS(LIMIT + 1, XM_write_console(text, LIMIT + 1));
#else
	IS(XM_INVALID_PARAM, XM_write_console(text, LIMIT + 1));
	IS(XM_INVALID_PARAM, XM_write_console(text, 1 << 20));
	IS(XM_INVALID_PARAM, XM_write_console(text, -1));
#endif
}

static void write_bad_pointer(void)
{
	IS(XM_INVALID_PARAM, XM_write_console(NULL, 5));
	IS(XM_INVALID_PARAM, XM_write_console(bad_memory(), 5));
}

static void write_other(void)
{
	unsigned int id = (unsigned int)machine.managed.partition;

	IS(XM_PERM_ERROR, XM_write_object(OBJDESC_BUILD(OBJ_CLASS_CONSOLE, id, 0), text, 5, NULL));
	IS(XM_PERM_ERROR,
	   XM_write_object(OBJDESC_BUILD(OBJ_CLASS_CONSOLE, XM_HYPERVISOR_ID, 0), text, 5, NULL));
}

static long far_console(void *arg)
{
	(void)arg;
	return XM_write_console(text, 5);
}

static void write_nowhere(void)
{
	char none = 0;

	NEEDS(peer_has(machine.silent.partition), "a process in a partition without console");
	IS(0, peer_run(machine.silent.partition, far_console, &none, 1));
}

static void write_plain(void)
{
	char none = 0;

	NEEDS(peer_has(machine.plain.partition), "a process in the plain partition");
	IS(5, peer_run(machine.plain.partition, far_console, &none, 1));
}

#if XM_FAMILY == 3
static void read_and_seek(void)
{
	xmObjDesc_t own = OBJDESC_BUILD(OBJ_CLASS_CONSOLE, machine.self.partition, 0);
	char buffer[16];

	IS(XM_OP_NOT_ALLOWED, XM_read_object(own, buffer, sizeof(buffer), NULL));
	IS(XM_OP_NOT_ALLOWED, XM_seek_object(own, 0, XM_OBJ_SEEK_SET));
}
#endif

const struct row console_rows[] = {
	{ "5.2", "console / write", write_text, false },
	{ "5.2", "console / write: more than the limit", write_too_much, false },
	{ "5.2", "console / write: bad pointer", write_bad_pointer, false },
	{ "5.2", "console / write: another partition's", write_other, false },
	{ "5.2", "console / write: no console", write_nowhere, false },
	{ "5.2", "console / write: without rights", write_plain, false },
#if XM_FAMILY == 3
	{ "5.2", "console / read and seek", read_and_seek, false },
#endif
	{ NULL, NULL, NULL, false },
};
