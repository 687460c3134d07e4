//! The help in Japanese: a table from the path of a command or argument to its words.

use clap::{Arg, ArgAction, Command};

/// `path` is the subcommands joined by spaces, `path <id>` an argument by its id. `*` as the last
/// subcommand stands for all that say nothing else of an argument.
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
    ("ask <editions>", "登録済みの、現在の版以外の版を使う：ID=版（繰り返し指定できます）"),
    (
        "ask <as_of>",
        "この日に効力のある内容で答える（2024-04-01、令和6年4月1日など）［既定：今日］",
    ),
    (
        "ask <authorities>",
        "この位置付けの出典だけを使う：law、cabinet-order、ministerial-ordinance、public-notice、circular、policy、ordinance、manual、faq（繰り返し指定できます）",
    ),
    ("ask <scopes>", "この区分だけを使う：common（通例）、local（固有）"),
    ("ask <from>", "基準日がこの日以降の文書だけを使う"),
    ("ask <until>", "基準日がこの日以前の文書だけを使う"),
    ("ask <max_tokens>", "回答の最大トークン数"),
    ("ask <json>", "JSONで出力"),
    ("search", "データセットを検索します"),
    ("search <query>", "検索する言葉"),
    ("search <datasets>", "使うデータセット（繰り返し指定できます）"),
    ("search <editions>", "登録済みの、現在の版以外の版を使う：ID=版（繰り返し指定できます）"),
    (
        "search <as_of>",
        "この日に効力のある内容で答える（2024-04-01、令和6年4月1日など）［既定：今日］",
    ),
    (
        "search <authorities>",
        "この位置付けの出典だけを使う：law、cabinet-order、ministerial-ordinance、public-notice、circular、policy、ordinance、manual、faq（繰り返し指定できます）",
    ),
    ("search <scopes>", "この区分だけを使う：common（通例）、local（固有）"),
    ("search <from>", "基準日がこの日以降の文書だけを使う"),
    ("search <until>", "基準日がこの日以前の文書だけを使う"),
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
    ("assistant", "業務アシスタント：一覧、表示、検査、書き出し、取り込み"),
    (
        "assistant list",
        "業務アシスタントの一覧を示します（標準、更新で入れたもの、ここで作ったもの）",
    ),
    ("assistant list <json>", "JSONで出力"),
    ("assistant show", "入力欄と、モデルに送る指示を示します"),
    ("assistant show <id>", "ID"),
    ("assistant check", "ファイルを検査し、誤りを行番号つきで全て示します"),
    ("assistant check <files>", "TOMLファイル（業務アシスタント1件、またはセット）"),
    ("assistant export", "TOMLで書き出します（1件はそのまま、複数はセット）"),
    ("assistant export <ids>", "ID［既定：すべて］"),
    ("assistant export <out>", "書き込むファイル［既定：画面に出力］"),
    ("assistant import", "ファイルから取り込みます（1件、またはセット）"),
    ("assistant import <file>", "ファイル"),
    ("assistant import <dry_run>", "取り込まずに、何が変わるかだけを示す"),
    ("assistant import <author>", "版とともに残す名前"),
    ("key", "更新パッケージに署名する鍵と、どの鍵を信頼するかの一覧（root）"),
    (
        "key new",
        "鍵の組を作ります。秘密鍵はパスワードで暗号化します。スクリプトからは環境変数KURA_KEY_PASSWORDで渡せますが、その環境やスクリプトを読める人は署名できてしまいます",
    ),
    ("key new <name>", "鍵の名前（英小文字・数字・. _ -）"),
    ("key new <owner>", "持ち主（rootに表示されます）［既定：鍵の名前］"),
    ("key * <keys_dir>", "鍵のフォルダー［既定：XDG_CONFIG_HOMEまたは~/.configのkura/keys］"),
    ("key list", "鍵の一覧：名前、ID、秘密鍵の有無、公開鍵"),
    ("key list <json>", "JSONで出力"),
    ("key root", "どの鍵が何に署名できるかの一覧（root）"),
    ("key root init", "最初のrootを作り、機器に設定する指紋を表示します"),
    ("key root init <threshold>", "必要な署名の数"),
    (
        "key root init <names>",
        "鍵のフォルダーにある鍵の名前。ほかの人の鍵は、公開鍵（名前.pub）だけを置きます（繰り返し指定できます）",
    ),
    (
        "key root init <roles>",
        "種類ごとの決まり：root、app、model、dataset、assistants（繰り返し指定できます）",
    ),
    ("key root init <expires>", "このrootで更新を受け付ける最後の日［既定：5年後］"),
    ("key root init <out>", "root/1.jsonを作るフォルダー［既定：鍵のフォルダーの一つ上］"),
    ("key root show", "最新のrootを表示します：鍵、必要な署名の数、署名の状況、指紋"),
    ("key root show <dir>", "root/*.jsonのあるフォルダー［既定：鍵のフォルダーの一つ上］"),
    ("key root show <json>", "JSONで出力"),
    ("key root * <keys_dir>", "鍵のフォルダー［既定：XDG_CONFIG_HOMEまたは~/.configのkura/keys］"),
    (
        "key rotate",
        "次のrootを作ります：鍵の追加と削除、必要な署名の数の変更。今のrootと新しいrootの両方が求める数の署名が必要です。手元にない鍵の署名は kura key sign で後から加えます",
    ),
    ("key rotate <added>", "全ての種類に加える鍵の名前（繰り返し指定できます）"),
    ("key rotate <removed>", "全ての種類から外す鍵の名前またはID（繰り返し指定できます）"),
    ("key rotate <threshold>", "必要な署名の数（全ての種類）［既定：今のまま］"),
    (
        "key rotate <roles>",
        "種類ごとの決まり：root、app、model、dataset、assistants（繰り返し指定できます）",
    ),
    ("key rotate <expires>", "このrootで更新を受け付ける最後の日［既定：5年後］"),
    (
        "key rotate <names>",
        "署名する鍵の名前（繰り返し指定できます）［既定：秘密鍵が手元にある鍵から必要な数だけ］",
    ),
    ("key rotate <root>", "root/*.jsonのあるフォルダー［既定：鍵のフォルダーの一つ上］"),
    ("key sign", "rootまたは更新パッケージの目録（manifest.json）に署名を加えます"),
    ("key sign <file>", "root/N.json、manifest.json、または更新パッケージのフォルダー"),
    ("key sign <names>", "署名する鍵の名前（繰り返し指定できます）"),
    (
        "pack",
        "データセット・モデル・業務アシスタント・プログラムを、署名してUSBメモリーに書き込みます",
    ),
    ("pack dataset", "dataset.tomlと文書のあるフォルダーから更新パッケージを作ります"),
    ("pack dataset <dir>", "フォルダー"),
    (
        "pack dataset <no_index>",
        "索引を入れない（機器で作ります）。差分には索引を入れません。索引のファイルは版ごとに全て変わるため、変わった該当箇所だけを送って機器で作るほうが小さくなるからです",
    ),
    (
        "pack dataset <allow_unread>",
        "読めなかったファイルがあっても作る（そのファイルは機器に入りません）",
    ),
    ("pack model", "GGUFファイル、またはカタログのモデル（接続された端末）から作ります"),
    ("pack model <source>", "ファイル、またはカタログのID"),
    ("pack model <id>", "コマンドやAPIで使う名前［既定：ファイル名から］"),
    ("pack model <licence>", "ライセンス（ファイルに書かれていないとき）"),
    ("pack app", "プログラムの更新パッケージを作ります"),
    ("pack app <binary>", "実行ファイル"),
    ("pack app <edition>", "版［既定：実行ファイルが示す版］"),
    ("pack assistants", "業務アシスタントの更新パッケージを作ります（titleとpromptのあるTOML）"),
    ("pack assistants <dir>", "フォルダー"),
    ("pack assistants <id>", "まとまりのID［既定：フォルダーの名前］"),
    ("pack assistants <title>", "表示名［既定：ID］"),
    ("pack assistants <licence>", "文章のライセンス"),
    ("pack * <edition>", "版［既定：今日の日付］"),
    ("pack * <out>", "USBメモリーまたはフォルダー。この中にkura-bundleを作ります"),
    (
        "pack * <names>",
        "署名する鍵の名前（繰り返し指定できます）［既定：秘密鍵が手元にある鍵から必要な数だけ］",
    ),
    ("pack * <keys_dir>", "鍵のフォルダー［既定：XDG_CONFIG_HOMEまたは~/.configのkura/keys］"),
    ("pack * <root>", "root/*.jsonのあるフォルダー［既定：鍵のフォルダーの一つ上］"),
    ("pack * <counter>", "この版の番号。前の版より大きくします［既定：ここで作った最後の番号＋1］"),
    ("pack * <channel>", "同じチャンネルに設定した機器だけが受け付けます"),
    ("pack * <min_app>", "受け付けられる最も古いkuraの版"),
    ("pack * <security_floor>", "これより小さい番号の版は、戻すことも含めて使えなくします"),
    (
        "pack * <stale_after_days>",
        "更新時期の表示を出すまでの日数（0は出さない）［既定：データセットはdataset.tomlの値、ほかは0］",
    ),
    ("pack * <since>", "この版にある部分を省いた差分を作る（この版が入った機器向け）"),
    ("pack * <packed>", "これまでに作った目録のフォルダー［既定：鍵のフォルダーの隣のpacked］"),
    ("pack * <json>", "JSONで出力"),
    (
        "sync",
        "署名された更新を媒体から取り込みます：データセット、モデル、業務アシスタント、プログラム",
    ),
    ("sync <path>", "媒体の場所、または更新パッケージのあるフォルダー"),
    ("sync <operator>", "作業者（持込記録に残ります）。設定にsync.operatorがなければ必須"),
    ("sync <approver>", "承認者（持込記録に残ります）。必須"),
    (
        "sync <unattended>",
        "人が操作しない取り込み（USBを差したとき）。持込記録に、自動取込であり、承認者の確認が要ることを残します",
    ),
    ("sync <media>", "媒体の番号（持込記録に残ります）"),
    ("sync <dry_run>", "取り込まずに、内容と取り込めるかどうかだけを示す"),
    ("sync <json>", "JSONで出力"),
    ("rollback", "一つ前の世代に戻します（もう一度実行すると元に戻ります）"),
    (
        "rollback <kind>",
        "app（プログラム）、model、dataset、assistantsのいずれか。省略すると、戻せるものの一覧を示します",
    ),
    ("rollback <id>", "ID（appでは不要）"),
    ("rollback <operator>", "作業者（持込記録に残ります）。設定にsync.operatorがなければ必須"),
    ("rollback <approver>", "承認者（持込記録に残ります）"),
    ("rollback <json>", "JSONで出力"),
    ("ledger", "持込記録：取り込みの全ての試みを示します"),
    ("ledger <html>", "A4で印刷するページを書き出すファイル"),
    ("ledger <csv>", "表計算ソフト用の表を書き出すファイル"),
    ("ledger <json>", "JSONで出力"),
    ("ledger <verify>", "記録の変更、削除、入れ替え、切り取りがないことを検査する"),
    (
        "ledger <set_aside>",
        "調査が済んだ後で、検証できない記録を別の名前で保全し、新しい記録を始める（何も消しません）",
    ),
    ("ledger <operator>", "作業者（--set-asideのとき必須）"),
    ("ledger <approver>", "承認者（--set-asideのとき必須）"),
    ("ledger <head>", "以前に印刷した先頭ハッシュ：その時点までの記録が残っていることも検査する"),
    ("user", "ログインする利用者：追加、一覧、停止、再開、パスワードの再設定、役割"),
    ("user add", "利用者を追加します。本人は、最初のログインで新しいパスワードに変更します"),
    ("user add <name>", "画面や保存した文書に表示する氏名"),
    ("user add <section>", "所属（課）"),
    ("user add <role>", "役割：staff（職員）、reviewer（確認者）、admin（管理者）［既定：staff］"),
    ("user * <login>", "利用者名（ログインに使う名前。半角の英小文字、数字、. _ - @）"),
    ("user * <generate>", "一時パスワードを作り、一度だけ表示する"),
    (
        "user * <password_file>",
        "パスワードをファイルの1行目から読む（- は標準入力）［既定：端末で2回入力］",
    ),
    ("user list", "利用者の一覧：所属、役割、状態、最後のログイン"),
    ("user list <json>", "JSONで出力"),
    ("user disable", "利用を停止します。ログイン中の画面もすぐに使えなくなります"),
    ("user enable", "停止した利用者の利用を再開します"),
    ("user reset", "パスワードを再設定します。本人は、次のログインで新しいパスワードに変更します"),
    ("user role", "役割を変えます"),
    ("user role <role>", "staff（職員）、reviewer（確認者）、admin（管理者）のいずれか"),
    ("apikey", "ほかのシステムがOpenAI互換のAPIを使うための鍵（APIキー）"),
    ("apikey add", "システムのAPIキーを作り、一度だけ表示します"),
    ("apikey add <system>", "システムの名前"),
    ("apikey list", "APIキーの一覧：システム、作成した日、最後に使われた日"),
    ("apikey list <json>", "JSONで出力"),
    ("apikey revoke", "APIキーを失効させます"),
    ("apikey revoke <id>", "APIキーのID（apikey listが示します）"),
    (
        "verify",
        "保存した回答を、この機器が作成したか、その後改変されていないか確かめます（終了コード：0 改変なし、3 改変あり、4 この機器が作成したと確かめられない、1 読めない）",
    ),
    ("verify <file>", "保存したファイル（DOCX、HTML、Markdown、テキスト）"),
    ("verify <json>", "JSONで出力"),
    ("eval", "品質を測ります"),
    ("eval retrieval", "正解の分かる質問で検索の品質を測ります"),
    (
        "eval retrieval <corpus>",
        "文書（JSON Lines：id、text、titleまたはlaw、art、head、cap、hier）",
    ),
    ("eval retrieval <queries>", "質問（JSON Lines：query、gold（IDの一覧）、choices）"),
    (
        "eval retrieval <labelled>",
        "正解の分かる質問（TOML、golden.tomlも可）：誤って該当なしとする割合と、該当なしとすべきなのに文書を示す割合を測る",
    ),
    (
        "eval retrieval <dataset>",
        "--labelledで測るデータセットのID［既定：一つだけのとき、それ］。割合はデータセットとともに保存されます",
    ),
    ("eval retrieval <folder>", "登録せずに、dataset.tomlのあるフォルダーを測る"),
    (
        "eval retrieval <signs>",
        "質問ごとに、該当なしの判断の根拠となる値を書き出すファイル（JSON Lines）",
    ),
    ("eval retrieval <choices>", "選択肢も検索に使う"),
    ("eval retrieval <prompts>", "300～1,200トークンの指示文に、答えの文がどれだけ残るかも測る"),
    ("eval retrieval <field>", "検索に使う質問の項目"),
    ("eval retrieval <json>", "JSONで出力"),
    ("eval model", "登録したモデルの回答の質を測ります：選択問題、出典、引用、該当なし、速さ"),
    ("eval model <id>", "モデルのID［既定：使用中のモデル］"),
    ("eval model <limit>", "質問の数を絞る（結果は保存されません）"),
    ("eval model <answers>", "回答を書き出すファイル（JSON Lines）"),
    ("eval model <json>", "JSONで出力"),
    ("eval citations", "質問を実際の経路で尋ね、表示された出典と引用を検査します"),
    (
        "eval citations <questions>",
        "質問のファイル：TOML（[[question]] の text）または JSON Lines（query）。繰り返し指定できます［既定：見本データの質問］",
    ),
    ("eval citations <id>", "モデルのID［既定：使用中のモデル］"),
    ("eval citations <datasets>", "使うデータセット（繰り返し指定できます）"),
    (
        "eval citations <verbatim>",
        "引用を原文どおりに限る：on、off、または交互に両方（both）［既定：both］",
    ),
    ("eval citations <limit>", "質問の数を、全体から均等に絞る"),
    ("eval citations <answers>", "回答を書き出すファイル（JSON Lines）"),
    ("eval citations <json>", "JSONで出力"),
    ("bench", "この機器での速さとメモリを測ります"),
    ("bench <model>", "GGUFファイル［既定：使用中のモデル］"),
    (
        "bench <only>",
        "測る項目（コンマ区切り：prefill、decode、users、rag、copy、load、search。数GBを書き込むsync（更新の取り込み）は、指定したときだけ測ります）",
    ),
    ("bench <quick>", "小さく測る（約1分）"),
    ("bench <repeat>", "全体を繰り返す回数［既定：1。--against では3］"),
    ("bench <against>", "交互に測って比べる相手：llama-cpp（Pythonのllama-cpp-python）"),
    ("bench <python>", "相手のパッケージが入ったPython［既定：python3］"),
    ("bench <plot>", "機器の限界との近さを描く（SVG）"),
    ("bench <json>", "JSONで出力"),
    ("bench <worker>", "モデルを載せて標準入出力で答えます（測定用）"),
    ("doctor", "この機器の問題点を分かりやすく示します"),
    ("doctor <json>", "JSONで出力"),
    ("setup", "アドレス、証明書、管理者、信頼する鍵を尋ねて、設定を書きます"),
    (
        "setup <answers>",
        "尋ねる代わりに、このファイルの回答を使う（TOML：address、allow、certificate、key、administrator、administrator_login、trusted_root、access_key）",
    ),
    ("setup <print>", "書く内容を示すだけで、書かない"),
    ("setup <force>", "すでにあるファイルを置き換える（元のファイルは .bak に残ります）"),
    (
        "setup <systemd_dir>",
        "追加設定を置くsystemdのフォルダー［既定：/etc/systemd/system（あれば）］",
    ),
    ("completions", "シェルの補完スクリプトを出力します"),
    ("completions <shell>", "bash、zsh、fish、elvish、powershellのいずれか"),
];

fn lookup(path: &str) -> Option<&'static str> {
    let exact = |path: &str| HELP.iter().find(|(key, _)| *key == path).map(|(_, words)| *words);
    exact(path).or_else(|| exact(&shared(path)?))
}

/// `pack * <out>` of `pack model <out>`.
fn shared(path: &str) -> Option<String> {
    let (command, argument) = path.split_once(" <")?;
    let (parents, _) = command.rsplit_once(' ')?;
    Some(format!("{parents} * <{argument}"))
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
        // A longer English text must not show through.
        let none = None::<&str>;
        command = command.about(words).long_about(none);
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
