/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_CONTROL_SEND_H
#define XMBROKER_SIM_CONTROL_SEND_H

#define CONTROL_ANSWER_MAX 32768 /* bytes of an answer with its NUL: the status of 255 partitions */

/*
 * Sends a command, the words up to NULL, to the xmsim that serves `dir`, and prints the answer.
 * 0; 1 when it was refused; -errno when there is nobody to ask.
 */
int control_send(const char *dir, char *const *words);

/* Path of the control socket of a folder.  0 or -ENAMETOOLONG. */
struct sockaddr_un;
int control_path(const char *dir, struct sockaddr_un *addr);

#endif
