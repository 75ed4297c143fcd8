package dev.graft.trainer.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.graft.trainer.jinja.TemplateException.Kind;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TemplateTest {
    private static final Map<String, Object> CONTEXT = Map.of("n", 3, "big", BigInteger.TEN.pow(25), "f", 1.0f, "e", "a😀b",
            "l", List.of(1, 2.5, true, "x"), "d", Map.of("items", "mine"));

    private static String render(String source) {
        return Template.parse(source).render(CONTEXT);
    }

    private static TemplateException failure(String source) {
        return catchThrowableOfType(TemplateException.class, () -> render(source));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '#', ignoreLeadingAndTrailingWhitespace = true, quoteCharacter = '`', value = {
        "{{ l }} # [1, 2.5, True, 'x']", "{{ big }} {{ f }} # 10000000000000000000000000 1.0", "{{ e[1] }}{{ e|length }} # 😀3",
        "{{ e[::-1] }} # b😀a", "{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} # -4 2 3.5", "{{ 2 ** 3 ** 2 }} # 64",
        "{{ 1 < 2 < 3 }} {{ 3 not in l }} # True True", "{{ undefined }}|{{ none }} # |None",
        "{{ {'b': [none, 'é\"']} | tojson }} # {\"b\": [null, \"é\\\"\"]}", "{{ '%s-%03d' % ('a', 7) }} # a-007",
        "{{ d['items'] }} # mine", "{% set x = 1 %}{% for i in l %}{% set x = 2 %}{% endfor %}{{ x }} # 1",
        "{% set ns = namespace(x=1) %}{% for i in l %}{% set ns.x = ns.x + 1 %}{% endfor %}{{ ns.x }} # 5",
        "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% elif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %} # 013",
        "{{ 1e16 }} {{ 0.1 + 0.2 }} {{ 1e-5 }} {{ 100.0 }} # 1e+16 0.30000000000000004 1e-05 100.0",
        "{% generation %}{% set y = 1 %}a{% endgeneration %}{{ y }}b # ab"
    })
    void renders(String source, String expected) {
        assertThat(render(source)).isEqualTo(expected);
    }

    @Test
    void trimsBlocks() {
        assertThat(render("a\n  {% if true %}\n  b\n  {%- endif +%}\n c {{ n }}\n\n")).isEqualTo("a\n  b\n c 3\n");
    }

    @Test
    void reportsSyntaxErrorsWithTheirLine() {
        TemplateException e = failure("a\nb {{ x y }}");
        assertThat(e.kind()).isEqualTo(Kind.SYNTAX);
        assertThat(e.line()).isEqualTo(2);
        assertThat(failure("{% foo %}").kind()).isEqualTo(Kind.SYNTAX);
        assertThat(failure("{% if n %}").kind()).isEqualTo(Kind.SYNTAX);
        assertThat(failure("{% break %}").kind()).isEqualTo(Kind.SYNTAX);
    }

    @Test
    void reportsWhatTheTemplateRaised() {
        TemplateException e = failure("\n{{ raise_exception('No ' ~ n) }}");
        assertThat(e.kind()).isEqualTo(Kind.RAISED);
        assertThat(e).hasMessage("No 3");
        assertThat(e.line()).isEqualTo(2);
    }

    @Test
    void reportsMisuseOfUndefinedVariables() {
        TemplateException e = failure("\n\n{{ nope.x }}");
        assertThat(e.kind()).isEqualTo(Kind.RUNTIME);
        assertThat(e).hasMessage("line 3: 'nope' is undefined");
        assertThat(failure("{{ 'a' + 1 }}")).hasMessageContaining("can only concatenate str (not \"int\") to str");
        assertThat(failure("{{ 1 / 0 }}").kind()).isEqualTo(Kind.RUNTIME);
        assertThat(failure("{{ n | nope }}").kind()).isEqualTo(Kind.RUNTIME);
    }

    @Test
    void isSharedByThreads() {
        Template t = Template.parse("{% set ns = namespace(s=0) %}{% for i in range(n) %}{% set ns.s = ns.s + i %}{% endfor %}{{ ns.s }}");
        List<String> all = IntStream.range(0, 200).parallel().mapToObj(i -> t.render(Map.of("n", i))).toList();
        assertThat(all).isEqualTo(IntStream.range(0, 200).mapToObj(i -> String.valueOf(i * (i - 1) / 2)).toList());
    }
}
