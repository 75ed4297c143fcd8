package dev.graft.eval.grade.likert;

import dev.graft.trainer.run.RunException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Locale;

/**
 * An OpenAI-compatible endpoint as a judge.
 *
 * @param url of its chat completions
 * @param model as it names it
 * @param key sent as a bearer token, or null for none; never written anywhere
 * @param retries tries after the first of a request that fails
 * @param timeout of one request, its answer read to the end
 * @param parallel requests at a time
 * @param maxTokens of a reply
 * @param backoff wait after a first failure
 */
public record EndpointOptions(URI url, String model, String key, int retries, Duration timeout, int parallel, int maxTokens, Duration backoff) {
  private static final String PATH = "/chat/completions";

  /**
   * The address of an endpoint's chat completions, from its base ({@code https://api.openai.com/v1}) or in full.
   *
   * @throws RunException (usage) when it is no http or https address, or holds a user or a query
   */
  public static URI address(String url) {
    try {
      URI uri = new URI(url.strip());
      String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
      if (!scheme.equals("http") && !scheme.equals("https") || uri.getHost() == null) {
        throw RunException.usage("--judge-url " + url + ": is no http or https address; give one such as https://api.openai.com/v1 or http://localhost:8080/v1");
      } else if (uri.getUserInfo() != null || uri.getFragment() != null) {
        throw RunException.usage("--judge-url: holds a user or a fragment; give the address alone, and the key in an environment variable (--judge-key-env)");
      }
      String path = uri.getPath() == null ? "" : uri.getPath().replaceAll("/+$", "");
      return new URI(scheme, null, uri.getHost(), uri.getPort(), path.endsWith(PATH) ? path : path + PATH, uri.getQuery(), null);
    } catch (URISyntaxException e) {
      throw RunException.usage("--judge-url: is no address (" + e.getReason() + "); give one such as http://localhost:8080/v1");
    }
  }

  /** What grades depend on: not the address, which may change, nor how patient we are. */
  String identity() {
    return "endpoint model=" + model + " temperature=0 max_tokens=" + maxTokens;
  }

  @Override
  public String toString() {
    return "EndpointOptions[" + url + ", " + model + "]"; // without the key
  }
}
