package dev.graft.eval.grade.likert;

import java.net.http.HttpHeaders;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.OptionalLong;

/**
 * How long to wait before a request is tried again: first · 2^tries, at most a minute, of which a random half is left out, so that many
 * clients do not come back together; never less than the server asked for.
 *
 * @param first wait after the first failure
 */
record Backoff(Duration first) {
  private static final long MOST_MILLIS = 60_000;

  /** @param tries failures before this one  @param random from 0 to below 1 */
  long millis(int tries, double random) {
    double full = Math.min(MOST_MILLIS, first.toMillis() * Math.pow(2, Math.min(tries, 30)));
    return Math.round(full * (0.5 + 0.5 * random));
  }

  /** What a server asks for: {@code retry-after-ms}, or {@code Retry-After} in seconds or as a date (RFC 9110, 10.2.3); empty when it does not, or not legibly. */
  static OptionalLong asked(HttpHeaders headers, Instant now) {
    String millis = headers.firstValue("retry-after-ms").orElse("").strip();
    if (millis.matches("\\d{1,9}")) {
      return OptionalLong.of(Long.parseLong(millis));
    }
    String after = headers.firstValue("retry-after").orElse("").strip();
    if (after.matches("\\d{1,6}(\\.\\d+)?")) {
      return OptionalLong.of((long) Math.ceil(Double.parseDouble(after) * 1000));
    }
    try {
      return OptionalLong.of(Math.max(0, Duration.between(now, ZonedDateTime.parse(after, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant()).toMillis()));
    } catch (DateTimeParseException e) {
      return OptionalLong.empty();
    }
  }
}
