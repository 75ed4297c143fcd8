package dev.graft.trainer.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** Compares with what Jinja2 itself made of many templates. */
class OracleTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final RenderOptions OPTIONS =
            RenderOptions.defaults().withClock(Clock.fixed(Instant.parse("2025-07-04T09:05:03Z"), ZoneOffset.UTC));

    private static InputStream open(String name) throws IOException {
        return new GZIPInputStream(OracleTest.class.getResourceAsStream("/jinja/" + name + ".gz"));
    }

    private static List<Map<String, Object>> lines(String name) throws IOException {
        List<Map<String, Object>> rows = new ArrayList<>();
        try (BufferedReader in = new BufferedReader(new InputStreamReader(open(name), StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                rows.add(map(JSON.readValue(line, Map.class)));
            }
        }
        return rows;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object o) {
        return (Map<String, Object>) o;
    }

    /** What is wrong with the rendering, or null. */
    private static String mismatch(String source, Map<String, Object> context, Map<String, Object> expected) {
        Object out = expected.get("out");
        try {
            String actual = Template.parse(source).render(context, OPTIONS);
            if ("raise".equals(expected.get("error"))) {
                return "should have raised, but gave " + actual;
            }
            return out == null || out.equals(actual) ? null : "\n  expected " + out + "\n  but was  " + actual;
        } catch (TemplateException e) {
            boolean raised = e.kind() == TemplateException.Kind.RAISED;
            if (out != null) {
                return "\n  expected " + out + "\n  but was  " + e;
            }
            return "raise".equals(expected.get("error")) == raised ? null : "expected " + expected + " but was " + e;
        }
    }

    @Test
    void rendersEveryChatTemplateAsJinja2Does() throws IOException {
        Map<String, Object> templates;
        List<?> contexts;
        try (InputStream t = open("templates.json");
                InputStream c = open("contexts.json")) {
            templates = map(JSON.readValue(t, Map.class));
            contexts = JSON.readValue(c, List.class);
        }
        List<String> wrong = new ArrayList<>();
        List<Map<String, Object>> cases = lines("cases.jsonl");
        for (Map<String, Object> row : cases) {
            String source = (String) templates.get(row.get("template"));
            String m = mismatch(source, map(contexts.get((Integer) row.get("context"))), row);
            if (m != null) {
                wrong.add(row.get("id") + ": " + m);
            }
        }
        assertThat(cases).hasSize(1848);
        report(wrong);
    }

    @Test
    void agreesWithJinja2OnTheLanguage() throws IOException {
        List<Map<String, Object>> rows = lines("language.jsonl");
        Map<String, Object> context = new HashMap<>(map(rows.get(0).get("context")));
        List<String> wrong = new ArrayList<>();
        for (Map<String, Object> row : rows.subList(1, rows.size())) {
            String m = mismatch((String) row.get("t"), context, row);
            if (m != null) {
                wrong.add(row.get("t") + ": " + m);
            }
        }
        assertThat(rows).hasSizeGreaterThan(10_000);
        report(wrong);
    }

    private static void report(List<String> wrong) {
        if (!wrong.isEmpty()) {
            fail(wrong.size() + " wrong:\n" + String.join("\n", wrong.subList(0, Math.min(50, wrong.size()))));
        }
    }
}
