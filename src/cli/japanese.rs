//! The help in Japanese: a table from the path of a command or argument to its words.

use clap::{Arg, ArgAction, Command};

/// `path` is the subcommands joined by spaces, `path <id>` an argument by its id.
const HELP: &[(&str, &str)] = &[
    ("", "蔵（kura）：庁内のデータと庁内のモデルだけで答え、出典を示します。外部とは通信しません"),
    ("<config>", "設定ファイル（kura.toml）"),
    ("<data_dir>", "モデルやデータセットを置くフォルダー"),
    ("<lang>", "メッセージの言語：ja または en［既定：KURA_LANG、LC_ALL、LANG による］"),
    ("<log>", "ログの詳しさ：error、warn、info、debug"),
    ("demo", "試してみる：見本データと付属モデルを専用フォルダーに入れて起動します"),
    ("demo <listen>", "待ち受けるアドレスとポート［既定：127.0.0.1:8480］"),
    ("demo <no_open>", "ブラウザーを開かない"),
    ("serve", "画面とAPIを提供します"),
    ("serve <listen>", "待ち受けるアドレスとポート［既定：127.0.0.1:8480］"),
    ("ask", "質問に、出典を付けてこの場で答えます"),
    ("ask <question>", "質問"),
    ("ask <datasets>", "使うデータセット（繰り返し指定できます）"),
    ("ask <max_tokens>", "回答の最大トークン数"),
    ("ask <json>", "JSONで出力"),
    ("search", "データセットを検索します"),
    ("search <query>", "検索する言葉"),
    ("search <datasets>", "使うデータセット（繰り返し指定できます）"),
    ("search <limit>", "表示する件数の上限"),
    ("search <json>", "JSONで出力"),
    ("dataset", "データセットの追加・一覧・削除・表示"),
    ("dataset add", "dataset.tomlと文書のあるフォルダーを追加、または新しい版に更新します"),
    ("dataset add <dir>", "フォルダー"),
    ("dataset add <json>", "JSONで出力"),
    ("dataset list", "データセットの一覧"),
    ("dataset list <json>", "JSONで出力"),
    ("dataset remove", "データセットを削除します"),
    ("dataset remove <id>", "データセットのID"),
    ("dataset show", "データセットの版、基準日、読めなかったファイルを表示します"),
    ("dataset show <id>", "データセットのID"),
    ("dataset show <json>", "JSONで出力"),
    ("model", "モデルの追加・一覧・選択・削除・検査"),
    ("model add", "GGUFファイルを追加します"),
    ("model add <file>", "ファイル"),
    ("model add <id>", "コマンドやAPIで使う名前［既定：ファイル名から］"),
    ("model list", "登録したモデルの一覧"),
    ("model list <json>", "JSONで出力"),
    ("model use", "使うモデルを選びます"),
    ("model use <id>", "モデルのID"),
    ("model remove", "モデルを削除します"),
    ("model remove <id>", "モデルのID"),
    ("model verify", "登録したモデルをハッシュと形式で検査します"),
    ("model verify <id>", "このモデルだけを検査"),
    ("model catalogue", "候補となるモデルの一覧：大きさ、必要なメモリ、ライセンス"),
    ("model catalogue <json>", "JSONで出力"),
    ("model fetch", "カタログのモデルを配布元から取得します（接続された端末のみ）"),
    ("model fetch <id>", "カタログのID"),
    ("model fetch <to>", "保存するフォルダー"),
    ("eval", "品質を測ります"),
    ("eval retrieval", "正解の分かる質問で検索の品質を測ります"),
    (
        "eval retrieval <corpus>",
        "文書（JSON Lines：id、text、titleまたはlaw、art、head、cap、hier）",
    ),
    ("eval retrieval <queries>", "質問（JSON Lines：query、gold（IDの一覧）、choices）"),
    ("eval retrieval <choices>", "選択肢も検索に使う"),
    ("eval retrieval <prompts>", "300～1,200トークンの指示文に、答えの文がどれだけ残るかも測る"),
    ("eval retrieval <field>", "検索に使う質問の項目"),
    ("eval retrieval <json>", "JSONで出力"),
    ("eval model", "登録したモデルの回答の質を測ります：選択問題、出典、引用、該当なし、速さ"),
    ("eval model <id>", "モデルのID［既定：使用中のモデル］"),
    ("eval model <limit>", "質問の数を絞る（結果は保存されません）"),
    ("eval model <answers>", "回答を書き出すファイル（JSON Lines）"),
    ("eval model <json>", "JSONで出力"),
    ("bench", "この機器での速さとメモリを測ります"),
    ("bench <model>", "GGUFファイル［既定：使用中のモデル］"),
    ("bench <only>", "測る項目（コンマ区切り：prefill、decode、users、rag、copy、load、search）"),
    ("bench <quick>", "小さく測る（約1分）"),
    ("bench <repeat>", "全体を繰り返す回数［既定：1。--against では3］"),
    ("bench <against>", "交互に測って比べる相手：llama-cpp（Pythonのllama-cpp-python）"),
    ("bench <python>", "相手のパッケージが入ったPython［既定：python3］"),
    ("bench <plot>", "機器の限界との近さを描く（SVG）"),
    ("bench <json>", "JSONで出力"),
    ("bench <worker>", "モデルを載せて標準入出力で答えます（測定用）"),
    ("doctor", "この機器の問題点を分かりやすく示します"),
    ("doctor <json>", "JSONで出力"),
    ("completions", "シェルの補完スクリプトを出力します"),
    ("completions <shell>", "bash、zsh、fish、elvish、powershellのいずれか"),
];

fn lookup(path: &str) -> Option<&'static str> {
    HELP.iter().find(|(key, _)| *key == path).map(|(_, words)| *words)
}

/// The parts of a help page that a command has, with their headings in Japanese.
fn page(command: &Command) -> String {
    let mut page = "{about-with-newline}\n使い方: {usage}\n".to_owned();
    if command.get_positionals().next().is_some() {
        page.push_str("\n引数:\n{positionals}\n");
    }
    if command.has_subcommands() {
        page.push_str("\nコマンド:\n{subcommands}\n");
    }
    page + "\nオプション:\n{options}\n"
}

/// Puts the Japanese help in place of the English one.
pub(super) fn translate(command: Command) -> Command {
    translate_at(command, "")
}

fn translate_at(command: Command, path: &str) -> Command {
    let page = page(&command);
    let mut command = command
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .subcommand_value_name("コマンド")
        .help_template(page)
        .arg(
            Arg::new("help").short('h').long("help").action(ArgAction::Help).help("この説明を表示"),
        );
    if path.is_empty() {
        let action = ArgAction::Version;
        let version = Arg::new("version").short('V').long("version").action(action);
        command = command.arg(version.help("版を表示"));
    }
    if let Some(words) = lookup(path) {
        command = command.about(words);
    }
    let arguments: Vec<String> = command.get_arguments().map(|a| a.get_id().to_string()).collect();
    for id in arguments {
        let key = if path.is_empty() { format!("<{id}>") } else { format!("{path} <{id}>") };
        if let Some(words) = lookup(&key) {
            command = command.mut_arg(id, |argument| argument.help(words));
        }
    }
    let children: Vec<String> =
        command.get_subcommands().map(|child| child.get_name().to_owned()).collect();
    for name in children {
        let path = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        command = command.mut_subcommand(name, |child| translate_at(child, &path));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn missing(command: &Command, path: &str, found: &mut Vec<String>) {
        if lookup(path).is_none() && !command.is_hide_set() {
            found.push(path.to_owned());
        }
        for argument in command.get_arguments() {
            let key = format!("{path} <{}>", argument.get_id());
            if lookup(key.trim_start()).is_none() && !command.is_hide_set() {
                found.push(key);
            }
        }
        for child in command.get_subcommands() {
            missing(child, format!("{path} {}", child.get_name()).trim_start(), found);
        }
    }

    #[test]
    fn every_command_and_argument_has_japanese_help() {
        let mut found = Vec::new();
        missing(&super::super::Cli::command(), "", &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}
