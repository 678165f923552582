//! What the files of a crate import from each other, read with `syn`: names lead through re-exports to the file that defines them.
//!
//! Tests inside the files may look at everything and are left out. Conditional compilation is not evaluated: all branches count.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};

/// The path of a module from the root of its crate.
type ModulePath = Vec<String>;

/// The modules of one crate.
#[derive(Default)]
pub struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

/// What one module says.
#[derive(Default)]
struct Module {
    /// The file it is written in.
    file: String,
    items: BTreeSet<String>,
    /// Names by `use`: the path, and whether others see it.
    uses: BTreeMap<String, (Vec<String>, bool)>,
    globs: Vec<(Vec<String>, bool)>,
    paths: BTreeSet<Vec<String>>,
    /// A macro makes items whose names are not written here.
    is_open: bool,
}

/// One file that imports another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: ModulePath,
    pub to: ModulePath,
}

impl Crate {
    /// Reads files: the path of each below the crate's directory of sources, and its text.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Crate {
        let mut found = Crate::default();
        for (path, text) in files {
            let parts = path.trim_end_matches(".rs").split('/').map(str::to_owned);
            let mut module: ModulePath = parts.collect();
            module.pop_if(|last| last == "mod" || last == "main" || last == "lib");
            let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
            found.modules.entry(module.clone()).or_default().file = path.to_owned();
            Reader { found: &mut found, module }.visit_file(&file);
        }
        found
    }

    /// Every path of the crate that its modules name, from the root, with the file that names it.
    pub fn paths(&self) -> impl Iterator<Item = (&str, ModulePath)> {
        self.modules.iter().flat_map(move |(at, module)| {
            let imports = module.uses.values().chain(&module.globs).map(|(path, _)| path);
            let named = imports.chain(&module.paths).filter_map(|path| self.absolute(at, path));
            named.map(|path| (module.file.as_str(), path))
        })
    }

    /// Which file's module uses which other's. A re-export alone is no use.
    pub fn edges(&self) -> BTreeSet<Edge> {
        let mut edges = BTreeSet::new();
        for (at, module) in &self.modules {
            let imports = module.uses.values().chain(&module.globs).filter(|(_, seen)| !seen).map(|(path, _)| path);
            for path in imports.chain(&module.paths) {
                let Some(path) = self.absolute(at, path) else { continue };
                let (from, to) = (self.in_file(at), self.in_file(&self.definer(&path, 0)));
                if from != to {
                    edges.insert(Edge { from, to });
                }
            }
        }
        edges
    }

    /// The path from the crate's root of a path written in a module; none if it leads into another crate.
    fn absolute(&self, at: &ModulePath, path: &[String]) -> Option<ModulePath> {
        let mut base = at.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &path[1..]),
            "self" | "super" => {
                while let [first, others @ ..] = rest
                    && (first == "self" || first == "super")
                {
                    if first == "super" {
                        base.pop();
                    }
                    rest = others;
                }
            }
            first => {
                let child: ModulePath = at.iter().cloned().chain([first.to_owned()]).collect();
                if !self.modules.contains_key(&child) {
                    let (used, _) = self.modules.get(at)?.uses.get(first)?;
                    if used.first() == path.first() {
                        return None;
                    }
                    (base, rest) = (self.absolute(at, used)?, &path[1..]);
                }
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// The module that defines what a path from the root names.
    fn definer(&self, path: &[String], depth: usize) -> ModulePath {
        let mut at = ModulePath::new();
        for (index, name) in path.iter().enumerate() {
            let child: ModulePath = at.iter().cloned().chain([name.clone()]).collect();
            if self.modules.contains_key(&child) {
                at = child;
                continue;
            }
            let Some(module) = self.modules.get(&at).filter(|_| depth < 10) else { return at };
            if module.items.contains(name) {
                return at;
            }
            let onward = module.uses.get(name).map(|(used, _)| used.clone());
            let globs = || module.globs.iter().filter_map(|(glob, _)| self.absolute(&at, glob));
            let in_glob = |glob: &ModulePath| {
                let target = self.modules.get(glob);
                target.is_some_and(|target| target.items.contains(name) || target.uses.contains_key(name))
            };
            let open = |glob: &ModulePath| self.modules.get(glob).is_some_and(|target| target.is_open);
            let through = onward.and_then(|used| self.absolute(&at, &used)).or_else(|| {
                let glob = globs().find(in_glob).or_else(|| globs().find(open))?;
                Some(glob.into_iter().chain([name.clone()]).collect())
            });
            let Some(mut through) = through else { return at };
            if through == path[..=index] {
                return at;
            }
            through.extend(path[index + 1..].iter().cloned());
            return self.definer(&through, depth + 1);
        }
        at
    }

    /// A module inside a file is that file's.
    fn in_file(&self, module: &ModulePath) -> ModulePath {
        let Some(file) = self.modules.get(module).map(|module| &module.file) else { return module.clone() };
        let same = |length: &usize| self.modules.get(&module[..*length]).is_some_and(|outer| &outer.file == file);
        let length = (0..=module.len()).find(same).unwrap_or(module.len());
        module[..length].to_vec()
    }
}

/// Groups of nodes that import each other in a circle, with the edges inside each group.
pub fn circles(edges: &BTreeSet<Edge>) -> Vec<Vec<&Edge>> {
    let reach = |start: &ModulePath| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(at) = open.pop() {
            open.extend(edges.iter().filter(|edge| edge.from == *at && seen.insert(&edge.to)).map(|edge| &edge.to));
        }
        seen
    };
    let reached: BTreeMap<&ModulePath, _> = edges.iter().map(|edge| (&edge.from, reach(&edge.from))).collect();
    let circular = |a: &ModulePath, b: &ModulePath| {
        let leads = |from: &ModulePath, to: &ModulePath| reached.get(from).is_some_and(|seen| seen.contains(to));
        leads(a, b) && leads(b, a)
    };
    let mut groups: Vec<Vec<&Edge>> = Vec::new();
    for edge in edges.iter().filter(|edge| circular(&edge.from, &edge.to)) {
        match groups.iter_mut().find(|group| circular(&group[0].from, &edge.from)) {
            Some(group) => group.push(edge),
            None => groups.push(vec![edge]),
        }
    }
    groups
}

/// The edges between modules that stand beside each other, whatever inside them makes the edge.
pub fn between_siblings(edges: &BTreeSet<Edge>) -> BTreeSet<Edge> {
    let beside = |edge: &Edge| {
        let common = edge.from.iter().zip(&edge.to).take_while(|(a, b)| a == b).count();
        let cut = |path: &ModulePath| path.get(..=common).map(<[String]>::to_vec);
        Some(Edge { from: cut(&edge.from)?, to: cut(&edge.to)? })
    };
    edges.iter().filter_map(beside).collect()
}

/// Every word of the code outside of comments and literals.
pub fn words(text: &str) -> Vec<String> {
    fn collect(tokens: TokenStream, words: &mut Vec<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(word) => words.push(word.to_string()),
                TokenTree::Group(group) => collect(group.stream(), words),
                _ => {}
            }
        }
    }
    let mut words_found = Vec::new();
    collect(text.parse().expect("Rust"), &mut words_found);
    words_found
}

struct Reader<'a> {
    found: &'a mut Crate,
    module: ModulePath,
}

impl Reader<'_> {
    fn here(&mut self) -> &mut Module {
        self.found.modules.get_mut(&self.module).expect("entered when its file was")
    }

    fn read_use(&mut self, tree: &syn::UseTree, before: &[String], seen: bool) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<String>>();
        match tree {
            syn::UseTree::Path(path) => self.read_use(&path.tree, &with(&path.ident), seen),
            syn::UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().expect("self stands in a group").clone();
                self.here().uses.insert(last, (before.to_vec(), seen));
            }
            syn::UseTree::Name(name) => {
                self.here().uses.insert(name.ident.to_string(), (with(&name.ident), seen));
            }
            syn::UseTree::Rename(renamed) => {
                // what is imported for its methods only has no name, and still counts
                let name = match renamed.rename.to_string().as_str() {
                    "_" => format!("_ {}", with(&renamed.ident).join("::")),
                    name => name.to_owned(),
                };
                self.here().uses.insert(name, (with(&renamed.ident), seen));
            }
            syn::UseTree::Glob(_) => self.here().globs.push((before.to_vec(), seen)),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.read_use(tree, before, seen));
            }
        }
    }

    /// Paths inside a macro, whose arguments need not be Rust.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.enter(std::mem::take(&mut path));
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.enter(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.read_tokens(group.stream());
                    }
                }
            }
        }
        self.enter(path);
    }

    fn enter(&mut self, path: Vec<String>) {
        if !path.is_empty() {
            self.here().paths.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, name) = match item {
            syn::Item::Const(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            syn::Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            syn::Item::Mod(item) => (&item.attrs, None),
            syn::Item::Static(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Type(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Union(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Use(item) => (&item.attrs, None),
            syn::Item::Impl(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if attributes.iter().any(is_test) {
            return;
        }
        if let Some(name) = name {
            self.here().items.insert(name.to_string());
        }
        self.here().is_open |= matches!(item, syn::Item::Macro(item) if item.ident.is_none());
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if let Some((_, items)) = &item.content {
            let file = self.here().file.clone();
            self.module.push(item.ident.to_string());
            self.found.modules.entry(self.module.clone()).or_default().file = file;
            items.iter().for_each(|item| self.visit_item(item));
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.read_use(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
        }
    }

    /// `pub(super)` uses nothing of the module above.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.enter(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.read_tokens(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }
}

fn is_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("test")
        || (attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test")))
}
