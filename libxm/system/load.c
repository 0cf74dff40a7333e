// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From the text of a system description to the flat block.  Owns the tables until the block is made.
 * Must never hand out a block that system_verify() would not accept.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxm/core/table.h"
#include "libxm/system/build.h"
#include "libxm/system/load.h"

static const struct dialect {
	const char *space;
	unsigned int dialect;
	uint32_t profile;
} dialects[] = {
	{ "http://www.xtratum.org/xm-3.x", SCHEMA_3_X, XM_PROFILE_ID_3_X },
	{ "http://www.prtos.org/prtos-1.x", SCHEMA_PRTOS, XM_PROFILE_ID_PRTOS },
	{ "http://www.xtratum.org/xm-2.3", SCHEMA_2_X, XM_PROFILE_ID_2_4 },
};

#define N_DIALECTS (sizeof(dialects) / sizeof(dialects[0]))

static const struct dialect *find_dialect(const struct xml_source *source,
					  const struct xml_node *root)
{
	const char *names[N_DIALECTS], *near;
	char hint[200];

	for (size_t i = 0; i < N_DIALECTS; i++) {
		if (!strcmp(root->space, dialects[i].space))
			return &dialects[i];
		names[i] = dialects[i].space;
	}
	near = diag_nearest(root->space, names, N_DIALECTS);
	if (near)
		snprintf(hint, sizeof(hint), "expected xmlns=\"%s\"", near);
	else
		snprintf(hint, sizeof(hint), "expected xmlns=\"%s\", \"%s\" or \"%s\"", names[0],
			 names[1], names[2]);
	xml_report(source, DIAG_ERROR, root->at, hint,
		   *root->space ? "unknown namespace \"%.80s\"" : "the root has no namespace%s",
		   root->space);
	return NULL;
}

/* The profile that is asked for, if it is one of the dialect; otherwise 0 with a report. */
static uint32_t choose_profile(const struct xml_source *source, const struct xml_node *root,
			       const struct dialect *dialect, uint32_t wanted)
{
	bool both_2 = dialect->dialect == SCHEMA_2_X && wanted == XM_PROFILE_ID_2_6;
	const char *name = xm_profile_name(wanted);

	if (!wanted || wanted == dialect->profile)
		return dialect->profile;
	if (both_2)
		return wanted;
	xml_report(source, DIAG_ERROR, root->at, NULL,
		   "the description is one of %s, not of profile %s",
		   dialect->dialect == SCHEMA_2_X ? "2.4 and 2.6"
						  : xm_profile_name(dialect->profile),
		   name ? name : "?");
	return 0;
}

/* ---- the block ----------------------------------------------------------------------------------- */

static const size_t record_size[SYSTEM_N_TABLES] = {
	[SYSTEM_PARTITIONS] = sizeof(struct system_partition),
	[SYSTEM_PORTS] = sizeof(struct system_port),
	[SYSTEM_CHANNELS] = sizeof(struct system_channel),
	[SYSTEM_PLANS] = sizeof(struct system_plan),
	[SYSTEM_SLOTS] = sizeof(struct system_slot),
	[SYSTEM_HM] = sizeof(struct system_hm),
	[SYSTEM_AREAS] = sizeof(struct system_area),
	[SYSTEM_IPVIS] = sizeof(struct system_ipvi),
};

/* Every record is a multiple of 8 bytes, so that the tables stay aligned one after the other. */
_Static_assert(sizeof(struct system) % 8 == 0 && sizeof(struct system_partition) % 8 == 0 &&
		       sizeof(struct system_port) % 8 == 0 &&
		       sizeof(struct system_channel) % 8 == 0 &&
		       sizeof(struct system_plan) % 8 == 0 && sizeof(struct system_slot) % 8 == 0 &&
		       sizeof(struct system_hm) % 8 == 0 && sizeof(struct system_area) % 8 == 0 &&
		       sizeof(struct system_ipvi) % 8 == 0,
	       "records keep their tables aligned");

static struct system *assemble(const struct build *build, uint32_t profile)
{
	struct system head = {
		.magic = SYSTEM_MAGIC,
		.size = sizeof(head),
		.profile = profile,
		.hm_capacity = build->hm_capacity,
		.trace_capacity = build->trace_capacity,
		.cpu_khz = build->cpu_khz,
	};
	char *block;

	build_name(build->root, "name", head.name);
	build_name(build->root, "version", head.version);
	for (unsigned int i = 0; i < SYSTEM_N_TABLES; i++) {
		head.table[i].offset = head.size;
		head.table[i].count = build->table[i].n;
		head.size += (uint32_t)(build->table[i].n * record_size[i]);
	}
	block = malloc(head.size);
	if (!block)
		return NULL;
	memcpy(block, &head, sizeof(head));
	for (unsigned int i = 0; i < SYSTEM_N_TABLES; i++)
		if (build->table[i].n)
			memcpy(block + head.table[i].offset, build->table[i].items,
			       build->table[i].n * record_size[i]);
	return (struct system *)(void *)block;
}

/* x.y.z */
static void check_version(const struct build *build)
{
	const char *s = build_text(build->root, "version");
	int a, b, c, end = 0;

	if (*s && (strlen(s) >= SYSTEM_NAME || strspn(s, "0123456789.") != strlen(s) ||
		   sscanf(s, "%d.%d.%d%n", &a, &b, &c, &end) != 3 || s[end]))
		build_error(build, build->root, "version", "expected a version, such as 1.0.0",
			    "bad version \"%.40s\"", s);
}

static int by_place(const void *a, const void *b)
{
	const struct diag_message *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->text, y->text);
}

static void build_init(struct build *build)
{
	for (unsigned int i = 0; i < SYSTEM_N_TABLES; i++)
		build->table[i].size = record_size[i];
	build->regions.size = sizeof(struct build_region);
	build->claims.size = sizeof(struct build_claim);
	build->devices.size = sizeof(struct xml_node *);
}

static void build_deinit(struct build *build)
{
	for (unsigned int i = 0; i < SYSTEM_N_TABLES; i++)
		free(build->table[i].items);
	free(build->regions.items);
	free(build->claims.items);
	free(build->devices.items);
}

static void build_all(struct build *build)
{
	check_version(build);
	build_machine(build);
	build_partitions(build);
	build_plans(build);
	build_channels(build);
}

/* `errors`: how many the diag had before the description was looked at. */
static int build_system(struct build *build, uint32_t profile, size_t errors, struct system **sysp)
{
	struct system *sys = NULL;

	build_all(build);
	if (build->source->diag->n_errors == errors && !build->no_memory)
		sys = assemble(build, profile);
	if (sys && !system_verify(sys, sys->size)) {
		xml_report(build->source, DIAG_ERROR, 0, NULL,
			   "the description cannot be represented");
		free(sys);
		return -EINVAL;
	}
	if (!sys)
		return build->source->diag->n_errors == errors ? -ENOMEM : -EINVAL;
	*sysp = sys;
	return 0;
}

static int load_root(const struct xml_source *source, struct xml_node *root,
		     const struct system_options *options, struct system **sysp)
{
	struct build build = { .source = source, .root = root };
	size_t errors = source->diag->n_errors;
	const struct dialect *dialect;
	uint32_t profile;
	int r;

	if (strcmp(root->name, "SystemDescription")) {
		xml_report(source, DIAG_ERROR, root->at, "expected <SystemDescription>",
			   "this is not a system description");
		return -EINVAL;
	}
	dialect = find_dialect(source, root);
	profile = dialect ? choose_profile(source, root, dialect, options->profile) : 0;
	if (!profile)
		return -EINVAL;
	build.dialect = dialect->dialect;
	build_init(&build);
	schema_check(source, root, dialect->dialect);
	r = build_system(&build, profile, errors, sysp);
	if (r == 0 && options->notes)
		build_notes(&build);
	build_deinit(&build);
	return r;
}

int system_load_text_as(const char *file, const char *text, size_t len,
			const struct system_options *options, struct diag *diag,
			struct system **sysp)
{
	struct xml_source source = { file, text, len, diag };
	struct xml_node *root;
	size_t first = diag->n;
	int r;

	if (len > SYSTEM_FILE_MAX) {
		diag_add(diag, DIAG_ERROR, (struct diag_place){ file, 0, 0 }, NULL, 0, NULL,
			 "a system description has at most %u bytes", SYSTEM_FILE_MAX);
		return -EINVAL;
	}
	root = xml_parse(&source);
	if (!root)
		return -EINVAL;
	r = load_root(&source, root, options, sysp);
	xml_free(root);
	if (diag->n > first)
		qsort(diag->messages + first, diag->n - first, sizeof(diag->messages[0]), by_place);
	return r;
}

int system_load_text(const char *file, const char *text, size_t len, struct diag *diag,
		     struct system **sysp)
{
	return system_load_text_as(file, text, len, &(struct system_options){ 0 }, diag, sysp);
}

/* ---- files --------------------------------------------------------------------------------------- */

static int read_all(int fd, char *buf, size_t cap, size_t *lenp)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, cap - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	} while (n != 0 && len < cap);
	*lenp = len;
	return 0;
}

static int cannot_read(const char *path, struct diag *diag, int error)
{
	diag_add(diag, DIAG_ERROR, (struct diag_place){ path, 0, 0 }, NULL, 0, NULL,
		 "cannot read the system description: %s", strerror(-error));
	return error;
}

int system_load_as(const char *path, const struct system_options *options, struct diag *diag,
		   struct system **sysp)
{
	size_t cap = SYSTEM_FILE_MAX + 1, len = 0;
	char *text = malloc(cap);
	int fd, r;

	if (!text)
		return cannot_read(path, diag, -ENOMEM);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	r = fd < 0 ? -errno : read_all(fd, text, cap, &len);
	if (fd >= 0)
		close(fd);
	r = r < 0 ? cannot_read(path, diag, r)
		  : system_load_text_as(path, text, len, options, diag, sysp);
	free(text);
	return r;
}

int system_load(const char *path, struct diag *diag, struct system **sysp)
{
	return system_load_as(path, &(struct system_options){ 0 }, diag, sysp);
}
