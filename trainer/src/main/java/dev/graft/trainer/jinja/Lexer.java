package dev.graft.trainer.jinja;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;

/** Splits a template into tokens, with {@code trim_blocks} and {@code lstrip_blocks} on. */
final class Lexer {
    private static final String[] OPERATORS = {
        "**", "//", "==", "!=", "<=", ">=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", "<", ">", "=", ".",
        ":", "|", ",", ";"
    };

    private final String s;
    private final List<Token> tokens = new ArrayList<>();
    private int pos;
    private int line = 1;
    private int lineAt;
    private boolean lineStarting = true;

    Lexer(String source) {
        String text = source.indexOf('\r') < 0 ? source : source.replace("\r\n", "\n").replace('\r', '\n');
        s = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    }

    List<Token> tokens() {
        while (pos < s.length()) {
            int at = nextTag(pos);
            if (at < 0) {
                data(s.substring(pos));
                pos = s.length();
                break;
            }
            tag(at);
        }
        pos = s.length();
        add(Token.Type.EOF, "", null);
        return tokens;
    }

    private int nextTag(int from) {
        for (int i = s.indexOf('{', from); i >= 0 && i + 1 < s.length(); i = s.indexOf('{', i + 1)) {
            char c = s.charAt(i + 1);
            if (c == '%' || c == '{' || c == '#') {
                return i;
            }
        }
        return -1;
    }

    private void tag(int at) {
        char kind = s.charAt(at + 1);
        int after = at + 2;
        char sign = after < s.length() && (s.charAt(after) == '-' || s.charAt(after) == '+') ? s.charAt(after) : 0;
        if (sign != 0) {
            after++;
        }
        data(before(s.substring(pos, at), sign, kind != '{'));
        pos = at;
        int raw = kind == '%' ? rawBegin(after) : -1;
        if (raw >= 0) {
            pos = raw;
            raw();
            return;
        }
        if (kind == '#') {
            comment(after);
            return;
        }
        add(kind == '{' ? Token.Type.VARIABLE_BEGIN : Token.Type.BLOCK_BEGIN, "", null);
        pos = after;
        inside(kind == '{');
    }

    /** The text before a tag, stripped as the tag's sign says. */
    private String before(String text, char sign, boolean block) {
        if (sign == '-') {
            return Text.strip(text, null, false, true);
        }
        if (sign != '+' && block) {
            int lastLine = text.lastIndexOf('\n') + 1;
            if ((lastLine > 0 || lineStarting) && Text.strip(text.substring(lastLine), null, true, false).isEmpty()) {
                return text.substring(0, lastLine);
            }
        }
        return text;
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            add(Token.Type.DATA, text, null);
        }
    }

    private void add(Token.Type type, String text, Object value) {
        for (; lineAt < pos; lineAt++) {
            if (s.charAt(lineAt) == '\n') {
                line++;
            }
        }
        tokens.add(new Token(type, text, value, line));
    }

    private TemplateException error(String message) {
        add(Token.Type.EOF, "", null);
        return TemplateException.syntax(message, line);
    }

    private int skipSpace(int i) {
        int at = i;
        while (at < s.length() && Text.isSpace(s.charAt(at))) {
            at++;
        }
        return at;
    }

    private int rawBegin(int after) {
        int i = skipSpace(after);
        if (!s.startsWith("raw", i)) {
            return -1;
        }
        i = skipSpace(i + 3);
        return s.startsWith("-%}", i) ? skipSpace(i + 3) : s.startsWith("%}", i) ? i + 2 : -1;
    }

    private void raw() {
        lineStarting = s.charAt(pos - 1) == '\n';
        if (pos >= s.length()) {
            return;
        }
        for (int i = s.indexOf("{%", pos); i >= 0; i = s.indexOf("{%", i + 2)) {
            int after = i + 2;
            char sign = after < s.length() && (s.charAt(after) == '-' || s.charAt(after) == '+') ? s.charAt(after) : 0;
            int name = skipSpace(sign == 0 ? after : after + 1);
            if (!s.startsWith("endraw", name)) {
                continue;
            }
            int end = blockEnd(skipSpace(name + 6));
            if (end >= 0) {
                data(before(s.substring(pos, i), sign, true));
                moveTo(end);
                return;
            }
        }
        throw error("Missing end of raw directive");
    }

    /** Where the text after a block's end at {@code i} begins, or -1 if it does not end there. */
    private int blockEnd(int i) {
        if (s.startsWith("-%}", i)) {
            return skipSpace(i + 3);
        }
        if (s.startsWith("+%}", i)) {
            return i + 3;
        }
        return s.startsWith("%}", i) ? s.startsWith("\n", i + 2) ? i + 3 : i + 2 : -1;
    }

    private void moveTo(int end) {
        pos = end;
        lineStarting = s.charAt(end - 1) == '\n';
    }

    private void comment(int from) {
        if (from >= s.length()) {
            pos = from;
            return;
        }
        int end = s.indexOf("#}", from);
        if (end < 0) {
            throw error("Missing end of comment tag");
        }
        char sign = end > from ? s.charAt(end - 1) : 0;
        int after = end + 2;
        if (sign == '-') {
            after = skipSpace(after);
        } else if (sign != '+' && s.startsWith("\n", after)) {
            after++;
        }
        moveTo(after);
    }

    private void inside(boolean variable) {
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            pos = skipSpace(pos);
            if (pos >= s.length()) {
                return;
            }
            if (open.isEmpty()) {
                int end = variable ? s.startsWith("-}}", pos) ? skipSpace(pos + 3) : s.startsWith("}}", pos) ? pos + 2 : -1
                        : blockEnd(pos);
                if (end >= 0) {
                    add(variable ? Token.Type.VARIABLE_END : Token.Type.BLOCK_END, "", null);
                    moveTo(end);
                    return;
                }
            }
            char c = s.charAt(pos);
            if (c >= '0' && c <= '9') {
                number();
            } else if (Text.isWord(s.codePointAt(pos))) {
                name();
            } else if (c == '\'' || c == '"') {
                string(c);
            } else {
                operator(open);
            }
        }
    }

    private void name() {
        int end = pos;
        while (end < s.length() && Text.isWord(s.codePointAt(end))) {
            end += Character.charCount(s.codePointAt(end));
        }
        String name = s.substring(pos, end);
        int first = name.codePointAt(0);
        if (first != '_' && !Character.isUnicodeIdentifierStart(first)) {
            throw error("Invalid character in identifier");
        }
        add(Token.Type.NAME, name, null);
        pos = end;
    }

    private int digits(int i) {
        int at = i;
        while (at < s.length() && (isDigit(at) || (s.charAt(at) == '_' && at > i && isDigit(at + 1)))) {
            at++;
        }
        return at;
    }

    private boolean isDigit(int i) {
        return i < s.length() && s.charAt(i) >= '0' && s.charAt(i) <= '9';
    }

    private void number() {
        int end = digits(pos);
        boolean real = false;
        if (pos == 0 || s.charAt(pos - 1) != '.') {
            int e = end;
            if (e < s.length() && s.charAt(e) == '.' && isDigit(e + 1)) {
                e = digits(e + 1);
                real = true;
            }
            if (e < s.length() && (s.charAt(e) == 'e' || s.charAt(e) == 'E')) {
                int x = e + 1 < s.length() && (s.charAt(e + 1) == '+' || s.charAt(e + 1) == '-') ? e + 2 : e + 1;
                if (isDigit(x)) {
                    e = digits(x);
                    real = true;
                }
            }
            end = real ? e : end;
        }
        if (real) {
            add(Token.Type.NUMBER, s.substring(pos, end), Double.parseDouble(s.substring(pos, end).replace("_", "")));
            pos = end;
            return;
        }
        if (s.charAt(pos) == '0') {
            prefixed();
            return;
        }
        decimal(end);
    }

    private void decimal(int end) {
        String text = s.substring(pos, end).replace("_", "");
        if (text.length() > 4300) {
            throw error("integer literal too long");
        }
        add(Token.Type.NUMBER, text, Num.norm(new BigInteger(text)));
        pos = end;
    }

    private void prefixed() {
        char p = pos + 1 < s.length() ? Character.toLowerCase(s.charAt(pos + 1)) : 0;
        int radix = p == 'x' ? 16 : p == 'o' ? 8 : p == 'b' ? 2 : 0;
        if (radix != 0) {
            int end = pos + 2;
            while (end < s.length() && (asciiDigit(end, radix) || (s.charAt(end) == '_' && asciiDigit(end + 1, radix)))) {
                end++;
            }
            if (end > pos + 2) {
                String digits = s.substring(pos + 2, end).replace("_", "").toLowerCase(Locale.ROOT);
                if (digits.length() > 4300) {
                    throw error("integer literal too long");
                }
                add(Token.Type.NUMBER, s.substring(pos, end), Num.norm(new BigInteger(digits, radix)));
                pos = end;
                return;
            }
        }
        int end = pos + 1;
        while (end < s.length() && (s.charAt(end) == '0' || (s.charAt(end) == '_' && s.startsWith("0", end + 1)))) {
            end++;
        }
        add(Token.Type.NUMBER, s.substring(pos, end), 0L);
        pos = end;
    }

    private boolean asciiDigit(int i, int radix) {
        return i < s.length() && s.charAt(i) < 0x80 && Character.digit(s.charAt(i), radix) >= 0;
    }

    private void string(char quote) {
        StringBuilder b = new StringBuilder();
        int i = pos + 1;
        for (; i < s.length() && s.charAt(i) != quote; i++) {
            char c = s.charAt(i);
            if (c != '\\') {
                b.append(c);
            } else if (++i < s.length()) {
                i = escape(i, b);
            }
        }
        if (i >= s.length()) {
            throw error("unexpected char '" + quote + "' at " + pos);
        }
        add(Token.Type.STRING, b.toString(), null);
        pos = i + 1;
    }

    /** Appends what the escape at {@code i} (after the backslash) means; returns its last character's index. */
    private int escape(int i, StringBuilder b) {
        char c = s.charAt(i);
        switch (c) {
            case '\n':
                return i;
            case '\\', '\'', '"':
                b.append(c);
                return i;
            case 'a':
                b.append('\u0007');
                return i;
            case 'b':
                b.append('\b');
                return i;
            case 'f':
                b.append('\f');
                return i;
            case 'n':
                b.append('\n');
                return i;
            case 'r':
                b.append('\r');
                return i;
            case 't':
                b.append('\t');
                return i;
            case 'v':
                b.append('\u000b');
                return i;
            case 'x':
                return hex(i, 2, b);
            case 'u':
                return hex(i, 4, b);
            case 'U':
                return hex(i, 8, b);
            case 'N':
                return named(i, b);
            default:
                break;
        }
        if (c >= '0' && c <= '7') {
            int value = 0;
            int at = i;
            while (at < i + 3 && at < s.length() && s.charAt(at) >= '0' && s.charAt(at) <= '7') {
                value = value * 8 + s.charAt(at++) - '0';
            }
            b.append((char) value);
            return at - 1;
        }
        b.append('\\').append(c);
        return i;
    }

    private int hex(int i, int digits, StringBuilder b) {
        long value = 0;
        for (int k = 1; k <= digits; k++) {
            if (!asciiDigit(i + k, 16)) {
                throw error("truncated \\" + s.charAt(i) + " escape in a string");
            }
            value = value * 16 + Character.digit(s.charAt(i + k), 16);
        }
        if (value > 0x10FFFF) {
            throw error("illegal Unicode character in a string");
        }
        b.appendCodePoint((int) value);
        return i + digits;
    }

    private int named(int i, StringBuilder b) {
        int end = s.startsWith("{", i + 1) ? s.indexOf('}', i) : -1;
        try {
            b.appendCodePoint(Character.codePointOf(s.substring(i + 2, end)));
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw error("unknown Unicode character name in a string");
        }
        return end;
    }

    private void operator(Deque<Character> open) {
        for (String op : OPERATORS) {
            if (s.startsWith(op, pos)) {
                char c = op.charAt(0);
                if (c == '(' || c == '[' || c == '{') {
                    open.push(c == '(' ? ')' : c == '[' ? ']' : '}');
                } else if (c == ')' || c == ']' || c == '}') {
                    if (open.isEmpty() || open.pop() != c) {
                        throw error("unexpected '" + c + "'");
                    }
                }
                add(Token.Type.OPERATOR, op, null);
                pos += op.length();
                return;
            }
        }
        throw error("unexpected char '" + Character.toString(s.codePointAt(pos)) + "' at " + pos);
    }
}
