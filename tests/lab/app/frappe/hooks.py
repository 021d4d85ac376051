"""What a bench reads about an app."""

app_name = "frappe"
app_title = "Frappe Framework"
