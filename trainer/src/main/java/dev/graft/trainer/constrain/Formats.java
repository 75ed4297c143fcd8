package dev.graft.trainer.constrain;

import java.util.Map;
import java.util.TreeSet;
import org.apache.lucene.util.automaton.Automaton;

/**
 * Formats of JSON Schema's strings. Dates exist in the Gregorian calendar and times are RFC 3339's without leap seconds; email, hostname and the others are the plain forms that
 * everybody accepts, not all that their RFCs allow.
 */
final class Formats {
  private static final String LEAP_YEAR = "(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
  private static final String DATE =
      "(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))|" + LEAP_YEAR + "-02-29)";
  private static final String HOURS = "([01]\\d|2[0-3]):[0-5]\\d";
  private static final String TIME = HOURS + ":[0-5]\\d(\\.\\d{1,9})?(Z|[+-]" + HOURS + ")";
  private static final String LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
  private static final String BYTE = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  private static final String DURATION_TIME = "T(\\d{1,4}H(\\d{1,4}M(\\d{1,4}S)?)?|\\d{1,4}M(\\d{1,4}S)?|\\d{1,4}S)";
  private static final String DURATION_DATE = "(\\d{1,4}Y(\\d{1,4}M(\\d{1,4}D)?)?|\\d{1,4}M(\\d{1,4}D)?|\\d{1,4}D)";

  private static final String GROUP = "[0-9a-fA-F]{1,4}";
  private static final String IPV6 =
      "(G:){7}G|(G:){1,7}:|(G:){1,6}:G|(G:){1,5}(:G){1,2}|(G:){1,4}(:G){1,3}|(G:){1,3}(:G){1,4}|(G:){1,2}(:G){1,5}|G:(:G){1,6}|:((:G){1,7}|:)".replace("G", GROUP);
  private static final String IN_PATH = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})*";
  private static final String URI = "[a-z][a-z0-9+-]{0,15}://" + LABEL + "(\\." + LABEL + "){0,4}(:\\d{1,5})?(/" + IN_PATH + ")*(\\?" + IN_PATH + ")?(#" + IN_PATH + ")?";

  private static final Map<String, String> REGEX =
      Map.of(
          "date", DATE,
          "time", TIME,
          "date-time", DATE + "T" + TIME,
          "duration", "P(" + DURATION_DATE + "(" + DURATION_TIME + ")?|" + DURATION_TIME + "|\\d{1,4}W)",
          "uuid", "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
          "email", "[A-Za-z0-9_+-]{1,20}(\\.[A-Za-z0-9_+-]{1,20}){0,2}@" + LABEL + "(\\." + LABEL + "){0,2}\\.[A-Za-z]{2,12}",
          "hostname", LABEL + "(\\." + LABEL + "){0,4}",
          "uri", URI,
          "ipv6", IPV6,
          "ipv4", BYTE + "(\\." + BYTE + "){3}");

  private Formats() {}

  /** The texts of a format, over code points. @throws ConstraintException when it is not one of ours */
  static Automaton automaton(String format) {
    String regex = REGEX.get(format);
    if (regex == null) {
      throw new ConstraintException("the format " + format + " is not supported; there are " + String.join(", ", new TreeSet<>(REGEX.keySet())) + "; or give a pattern");
    }
    return Regex.compile(regex, true);
  }
}
