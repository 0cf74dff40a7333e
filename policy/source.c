// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading a source file, and messages about places in one.  Must never interpret what it reads.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/yaml.h"

static int unreadable(struct diag *diag, const char *name, int error)
{
	struct diag_place place = { .file = name };

	diag_add(diag, DIAG_ERROR, place, NULL, 0, NULL, "cannot read it: %s",
		 error == EISDIR   ? "it is a folder"
		 : error == EINVAL ? "it is not a regular file"
				   : strerror(error));
	return -error;
}

static int check_size(struct diag *diag, const char *name, size_t size)
{
	struct diag_place place = { .file = name };

	if (size <= YAML_FILE_MAX)
		return 0;
	diag_add(diag, DIAG_ERROR, place, NULL, 0, "split it into several files",
		 "the file is larger than %u bytes", YAML_FILE_MAX);
	return -EINVAL;
}

static int read_all(int fd, char *text, size_t cap, size_t *lenp)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, text + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	*lenp = len;
	return 0;
}

static int read_open(struct arena *arena, const char *name, int fd, struct diag *diag,
		     struct source *source)
{
	struct stat st;
	char *text;
	size_t cap;
	int ret;

	if (fstat(fd, &st))
		return unreadable(diag, name, errno);
	if (!S_ISREG(st.st_mode))
		return unreadable(diag, name, S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
	ret = check_size(diag, name, (size_t)st.st_size);
	if (ret)
		return ret;
	/* One byte more than the size: a file that grows meanwhile is read whole or refused. */
	cap = YAML_FILE_MAX < (size_t)st.st_size + 4096 ? YAML_FILE_MAX + 1
							: (size_t)st.st_size + 4096;
	text = arena_alloc(arena, cap);
	ret = read_all(fd, text, cap, &source->len);
	if (ret)
		return unreadable(diag, name, -ret);
	source->text = text;
	return check_size(diag, name, source->len == cap ? YAML_FILE_MAX + 1 : source->len);
}

int source_read(struct arena *arena, const char *name, struct diag *diag,
		const struct source **sourcep)
{
	struct source *source = arena_alloc(arena, sizeof(*source));
	int fd, ret;

	source->name = arena_strndup(arena, name, strlen(name));
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return unreadable(diag, source->name, errno);
	ret = read_open(arena, source->name, fd, diag, source);
	close(fd);
	if (!ret)
		*sourcep = source;
	return ret;
}

struct diag_place node_place(const struct node *node)
{
	return (struct diag_place){ node->source->name, node->line, node->column };
}

static void add(struct diag *diag, enum diag_level level, const struct node *node, const char *hint,
		const char *format, va_list args) __attribute__((format(printf, 5, 0)));

static void add(struct diag *diag, enum diag_level level, const struct node *node, const char *hint,
		const char *format, va_list args)
{
	diag_vadd(diag, level, node_place(node), node->source->text, node->source->len, hint,
		  format, args);
}

void node_error(struct diag *diag, const struct node *node, const char *hint, const char *format,
		...)
{
	va_list args;

	if (node->bad)
		return;
	va_start(args, format);
	add(diag, DIAG_ERROR, node, hint, format, args);
	va_end(args);
}

void node_warning(struct diag *diag, const struct node *node, const char *hint, const char *format,
		  ...)
{
	va_list args;

	va_start(args, format);
	add(diag, DIAG_WARNING, node, hint, format, args);
	va_end(args);
}

static int compare_messages(const void *a, const void *b)
{
	const struct diag_message *x = a, *y = b;
	int order;

	if (!x->file || !y->file)
		return !x->file - !y->file;
	order = strcmp(x->file, y->file);
	if (order)
		return order;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->text && y->text ? strcmp(x->text, y->text) : 0;
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Defined values are looked at wherever they are used: once is enough. */
static bool says_the_same(const struct diag_message *a, const struct diag_message *b)
{
	return a->level == b->level && a->line && a->line == b->line && a->column == b->column &&
	       is_same_text(a->file, b->file) && is_same_text(a->text, b->text) &&
	       is_same_text(a->hint, b->hint);
}

void source_sort_messages(struct diag *diag)
{
	size_t i = 1;

	if (diag->n > 1)
		qsort(diag->messages, diag->n, sizeof(diag->messages[0]), compare_messages);
	while (i < diag->n)
		if (says_the_same(&diag->messages[i - 1], &diag->messages[i]))
			diag_remove(diag, i);
		else
			i++;
}
