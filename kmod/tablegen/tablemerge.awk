# SPDX-License-Identifier: GPL-2.0-only
#
# What tablegen.c says as three programs, line by line: "@n" becomes { n, n, n }.

BEGIN {
	ARGC = 2
}

function numbers(line, out,   n, words, i) {
	n = split(line, words, "@")
	for (i = 2; i <= n; i++) {
		match(words[i], /^[0-9]+/)
		out[i] = substr(words[i], 1, RLENGTH)
	}
	return n
}

{
	if ((getline second < ARGV[2]) <= 0 || (getline third < ARGV[3]) <= 0) {
		print "tablemerge: the second or third is shorter" > "/dev/stderr"
		exit 1
	}
	a = $0; b = second; c = third
	gsub(/@[0-9]+/, "@", a); gsub(/@[0-9]+/, "@", b); gsub(/@[0-9]+/, "@", c)
	if (a != b || a != c) {
		print "tablemerge: line " NR " differs: " $0 " | " second " | " third > "/dev/stderr"
		exit 1
	}
	if (index($0, "@") == 0) {
		print
		next
	}
	n = numbers($0, x); numbers(second, y); numbers(third, z)
	split($0, words, "@")
	text = words[1]
	for (i = 2; i <= n; i++) {
		sub(/^[0-9]+/, "", words[i])
		text = text "{ " x[i] ", " y[i] ", " z[i] " }" words[i]
	}
	print text
}
