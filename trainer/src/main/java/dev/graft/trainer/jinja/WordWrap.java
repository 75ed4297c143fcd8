package dev.graft.trainer.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's {@code textwrap.wrap} of one line, as the filter {@code wordwrap} calls it. */
final class WordWrap {
    private WordWrap() {}

    static List<Object> wrap(Render r, String line, long width, boolean breakLong, boolean breakHyphens) {
        if (width <= 0) {
            throw PyError.value("invalid width " + width + " (must be > 0)");
        }
        r.work(line.length());
        List<String> chunks = chunks(line, breakHyphens);
        List<Object> lines = new ArrayList<>();
        int at = 0;
        while (at < chunks.size()) {
            if (!lines.isEmpty() && isBlank(chunks.get(at))) {
                at++;
            }
            List<String> current = new ArrayList<>();
            long length = 0;
            while (at < chunks.size() && length + Text.length(chunks.get(at)) <= width) {
                length += Text.length(chunks.get(at));
                current.add(chunks.get(at++));
            }
            if (at < chunks.size() && Text.length(chunks.get(at)) > width) {
                String chunk = chunks.get(at);
                long room = Math.max(1, width - length);
                if (breakLong) {
                    int cut = (int) room;
                    String head = chunk.substring(0, chunk.offsetByCodePoints(0, cut));
                    int hyphen = head.lastIndexOf('-');
                    if (breakHyphens && hyphen > 0 && head.chars().limit(hyphen).anyMatch(c -> c != '-')) {
                        head = chunk.substring(0, hyphen + 1);
                    }
                    r.work(chunk.length() >> 5);
                    current.add(head);
                    chunks.set(at, chunk.substring(head.length()));
                } else if (current.isEmpty()) {
                    current.add(chunks.get(at++));
                }
            }
            if (!current.isEmpty() && isBlank(current.get(current.size() - 1))) {
                current.remove(current.size() - 1);
            }
            if (!current.isEmpty()) {
                r.step();
                lines.add(r.made(String.join("", current)));
            }
        }
        return lines;
    }

    private static boolean isSpace(char c) {
        return c == ' ' || (c >= 9 && c <= 13);
    }

    private static boolean isBlank(String s) {
        return Text.strip(s, null, true, true).isEmpty();
    }

    /** Runs of white space and words; words also split after hyphens between letters. */
    private static List<String> chunks(String s, boolean hyphens) {
        List<String> chunks = new ArrayList<>();
        int from = 0;
        while (from < s.length()) {
            int end = from;
            boolean space = isSpace(s.charAt(from));
            while (end < s.length() && isSpace(s.charAt(end)) == space) {
                end++;
            }
            int start = from;
            for (int i = from; hyphens && !space && i < end; i++) {
                if (s.charAt(i) == '-' && breaksAfter(s, from, i, end)) {
                    chunks.add(s.substring(start, i + 1));
                    start = i + 1;
                } else if (s.startsWith("--", i) && dashes(s, from, i, end) > i) {
                    int after = dashes(s, from, i, end);
                    if (i > start) {
                        chunks.add(s.substring(start, i));
                    }
                    chunks.add(s.substring(i, after));
                    start = after;
                    i = after - 1;
                }
            }
            if (start < end) {
                chunks.add(s.substring(start, end));
            }
            from = end;
        }
        return chunks;
    }

    private static boolean isLetter(String s, int i, int from, int end) {
        return i >= from && i < end && Text.isWord(s.charAt(i)) && !Character.isDigit(s.charAt(i));
    }

    private static boolean breaksAfter(String s, int from, int i, int end) {
        boolean before = isLetter(s, i - 1, from, end) && (isLetter(s, i - 2, from, end)
                || (i - 2 > from && s.charAt(i - 2) == '-' && isLetter(s, i - 3, from, end)));
        boolean after = isLetter(s, i + 1, from, end)
                && (isLetter(s, i + 2, from, end) || (i + 2 < end && s.charAt(i + 2) == '-' && isLetter(s, i + 3, from, end)));
        return before && after;
    }

    /** The end of a dash of two or more hyphens between words at {@code i}, or {@code i}. */
    private static int dashes(String s, int from, int i, int end) {
        int after = i;
        while (after < end && s.charAt(after) == '-') {
            after++;
        }
        boolean before = i > from && (Text.isWord(s.charAt(i - 1)) || "!\"'&.,?".indexOf(s.charAt(i - 1)) >= 0);
        return before && after < end && Text.isWord(s.charAt(after)) ? after : i;
    }
}
