package dev.graft.trainer.jinja;

import java.time.DayOfWeek;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.TextStyle;
import java.time.temporal.ChronoUnit;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** C's strftime in the C locale, of a time without zone. */
final class Strftime {
    private final LocalDateTime t;
    private final java.time.Instant instant;

    private Strftime(LocalDateTime t, java.time.Instant instant) {
        this.t = t;
        this.instant = instant;
    }

    static String format(Render r, String format) {
        java.time.Instant now = r.options.clock().instant();
        LocalDateTime t = LocalDateTime.ofInstant(now, r.options.clock().getZone());
        return new Strftime(t, now).expand(r, format);
    }

    private String expand(Render r, String f) {
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < f.length(); i++) {
            char c = f.charAt(i);
            if (c != '%' || i + 1 >= f.length()) {
                b.append(c);
                continue;
            }
            r.step();
            int start = i++;
            char flag = 0;
            boolean upper = false;
            while (i < f.length() - 1 && "-_0^#".indexOf(f.charAt(i)) >= 0) {
                upper |= f.charAt(i) == '^';
                flag = "-_0".indexOf(f.charAt(i)) >= 0 ? f.charAt(i) : flag;
                i++;
            }
            if (i < f.length() - 1 && (f.charAt(i) == 'E' || f.charAt(i) == 'O')) {
                i++;
            }
            String piece = field(r, f.charAt(i), flag);
            if (piece == null) {
                piece = f.substring(start, i + 1);
            }
            b.append(upper ? piece.toUpperCase(Locale.ROOT) : piece);
        }
        return b.toString();
    }

    private String field(Render r, char c, char flag) {
        DayOfWeek day = t.getDayOfWeek();
        int sunday = day.getValue() % 7;
        int hour12 = (t.getHour() + 11) % 12 + 1;
        return switch (c) {
            case 'Y' -> number(t.getYear(), 1, '0', flag);
            case 'C' -> number(t.getYear() / 100, 2, '0', flag);
            case 'y' -> number(t.getYear() % 100, 2, '0', flag);
            case 'm' -> number(t.getMonthValue(), 2, '0', flag);
            case 'd' -> number(t.getDayOfMonth(), 2, '0', flag);
            case 'e' -> number(t.getDayOfMonth(), 2, ' ', flag);
            case 'H' -> number(t.getHour(), 2, '0', flag);
            case 'k' -> number(t.getHour(), 2, ' ', flag);
            case 'I' -> number(hour12, 2, '0', flag);
            case 'l' -> number(hour12, 2, ' ', flag);
            case 'M' -> number(t.getMinute(), 2, '0', flag);
            case 'S' -> number(t.getSecond(), 2, '0', flag);
            case 'f' -> number(t.getNano() / 1000, 6, '0', (char) 0);
            case 'j' -> number(t.getDayOfYear(), 3, '0', flag);
            case 'U' -> number((t.getDayOfYear() + 6 - sunday) / 7, 2, '0', flag);
            case 'W' -> number((t.getDayOfYear() + 6 - (sunday + 6) % 7) / 7, 2, '0', flag);
            case 'V' -> number(t.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2, '0', flag);
            case 'G' -> number(t.get(IsoFields.WEEK_BASED_YEAR), 1, '0', flag);
            case 'g' -> number(t.get(IsoFields.WEEK_BASED_YEAR) % 100, 2, '0', flag);
            case 'w' -> String.valueOf(sunday);
            case 'u' -> String.valueOf(day.getValue());
            case 'A' -> day.getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'a' -> day.getDisplayName(TextStyle.SHORT, Locale.ENGLISH).substring(0, 3);
            case 'B' -> t.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> t.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH).substring(0, 3);
            case 'p' -> t.getHour() < 12 ? "AM" : "PM";
            case 'P' -> t.getHour() < 12 ? "am" : "pm";
            case 'c' -> expand(r, "%a %b %e %H:%M:%S %Y");
            case 'x', 'D' -> expand(r, "%m/%d/%y");
            case 'X', 'T' -> expand(r, "%H:%M:%S");
            case 'F' -> expand(r, "%Y-%m-%d");
            case 'R' -> expand(r, "%H:%M");
            case 'r' -> expand(r, "%I:%M:%S %p");
            case 's' -> String.valueOf(ChronoUnit.SECONDS.between(LocalDateTime.ofEpochSecond(0, 0, ZoneOffset.UTC),
                    LocalDateTime.ofInstant(instant, ZoneOffset.UTC)));
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'z', 'Z' -> "";
            case '%' -> "%";
            default -> null;
        };
    }

    private static String number(int value, int width, char pad, char flag) {
        String digits = Integer.toString(value);
        char fill = flag == '_' ? ' ' : flag == '0' ? '0' : pad;
        int missing = flag == '-' ? 0 : width - digits.length();
        return missing > 0 ? String.valueOf(fill).repeat(missing) + digits : digits;
    }
}
