import java.util.ArrayList;
import org.openapitools.codegen.OpenAPIGenerator;

/** Run openapi-generator with one list of arguments after the other; a semicolon ends each. */
class Generate {
    public static void main(String[] words) {
        var arguments = new ArrayList<String>();
        for (String word : words) {
            if (!word.equals(";")) {
                arguments.add(word);
                continue;
            }
            OpenAPIGenerator.main(arguments.toArray(String[]::new));
            arguments.clear();
        }
    }
}
